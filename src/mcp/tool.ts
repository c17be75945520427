/** A tool: a plain object and a plain function, without the SDK. */
import type { z } from 'zod';
import { priceCny } from '../jimeng/modes.ts';
import type { RemoteCaller } from '../library/library.ts';
import type { Log } from '../log.ts';
import type { ToolService } from './tool-service.ts';

/** What a waiting client is shown. */
export interface Progress {
  /** Strictly rising, in seconds. Without a `total`: an expected time is no promise, and a full bar is worse than none. */
  readonly progress: number;
  /** Under 200 characters: Claude Code shows no more. */
  readonly message: string;
}

/** A person's reply to a yes/no question; `no_answer` also where the client failed or the call ended. */
export type Answer = 'yes' | 'no' | 'no_answer';

/** One call, whichever transport it came over. */
export interface ToolCall {
  /** The client cancelled, or went away: ends the waiting, never a paid task. */
  readonly signal: AbortSignal;
  /** When the call arrived, on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
  readonly progress: (progress: Progress) => void;
  /** Who calls over HTTP; absent: an agent of this computer's user. */
  readonly remote?: RemoteCaller;
  /** Names the call in each line; absent: the server's own. */
  readonly log?: Log;
  /** The folders, as absolute paths, that the client works in; absent where it offers none. */
  readonly roots?: () => Promise<readonly string[]>;
  /** Asks the person at the client; absent where the client cannot. Never throws. */
  readonly elicit?: (question: string, signal: AbortSignal) => Promise<Answer>;
}

export interface ToolResult {
  /** Conforms to the tool's output schema. */
  readonly structured: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** A picture for the model. It stands in no other part of the result. */
  readonly jpeg?: Uint8Array;
  readonly isError: boolean;
}

/** `paid` spends money, `free` never does. The word becomes the annotations and the sentence about cost. */
export type Cost = 'paid' | 'free';

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** Ends in the sentence about cost. Under 2 kB: Claude Code cuts longer ones. */
  readonly description: string;
  readonly cost: Cost;
  readonly annotations: ToolAnnotations;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  run(input: unknown, service: ToolService, call: ToolCall): Promise<ToolResult>;
}

interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** A tool as its file writes it down. */
interface ToolDefinition<Schema extends z.ZodObject> extends Omit<Tool, 'annotations' | 'input' | 'run'> {
  /** Changes nothing, not even here: clients ask a person before calling any other tool. */
  readonly isReadOnly?: boolean;
  /** Instead of the whole sentence about cost. */
  readonly price?: string;
  readonly input: Schema;
  run(input: z.output<Schema>, service: ToolService, call: ToolCall): Promise<ToolResult>;
}

/** Nothing is ever overwritten or removed; the same paid request within half an hour joins the first. */
export function defineTool<Schema extends z.ZodObject>(definition: ToolDefinition<Schema>): Tool {
  const { isReadOnly = false, price, ...tool } = definition;
  return {
    ...tool,
    description: `${tool.description} ${price ?? costSentence(tool.cost)}`,
    annotations: {
      readOnlyHint: isReadOnly,
      destructiveHint: false,
      idempotentHint: tool.cost === 'free',
      openWorldHint: true,
    },
    // `input` validates what `run` receives.
    run: definition.run as Tool['run'],
  };
}

function costSentence(cost: Cost): string {
  if (cost === 'free') return 'Free.';
  const yuan = (mode: 't2v_720p' | 't2v_1080p' | 'ti2v_pro') => `¥${priceCny(mode, 5).toFixed(2)}`;
  return `Costs money: 5 s are ${yuan('t2v_720p')} in 720p, ${yuan('t2v_1080p')} in 1080p, ${yuan('ti2v_pro')} in pro; 10 s twice that; only a finished video is charged.`;
}
