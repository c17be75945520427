/** What is a tool? A plain object and a plain function, which know nothing of the SDK. */
import type { z } from 'zod';
import type { ServiceHolder } from '../open-service.ts';
import type { TaskRecord } from '../tasks/record.ts';
import type { UsualTime } from '../tasks/usual-time.ts';

export interface ToolCall {
  readonly holder: ServiceHolder;
  /** The client cancelled, or went away. */
  readonly signal: AbortSignal;
  /** When the call came in, on the monotonic clock. */
  readonly arrivedAt: number;
  /** Told now and then while the call waits. */
  readonly onWait: (record: TaskRecord, usual?: UsualTime) => void;
}

export interface ToolResult {
  /** Conforms to the tool's output schema. */
  readonly structured: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly isError: boolean;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** Under 2 kB: Claude Code cuts longer ones. */
  readonly description: string;
  /** `paid` spends money; `free` may change records here; `read` changes nothing. One word becomes all annotations. */
  readonly cost: 'paid' | 'free' | 'read';
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  run(input: unknown, call: ToolCall): Promise<ToolResult>;
}

/** Ties what `run` is given to what `input` lets through. */
export function defineTool<Schema extends z.ZodType>(
  tool: Omit<Tool, 'input' | 'run'> & {
    readonly input: Schema;
    run(input: z.output<Schema>, call: ToolCall): Promise<ToolResult>;
  },
): Tool {
  return tool as Tool;
}

export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** Nothing is ever overwritten or removed; the same paid request within half an hour joins the first. */
export function annotationsOf({ cost }: Pick<Tool, 'cost'>): ToolAnnotations {
  return {
    readOnlyHint: cost === 'read',
    destructiveHint: false,
    idempotentHint: cost !== 'paid',
    openWorldHint: true,
  };
}
