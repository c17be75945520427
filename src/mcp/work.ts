/** What does the server need once it is asked for something? All that the first answers can do without. */
import { systemClock } from '../clock.ts';
import { createLog, type Log } from '../log.ts';
import { holdService } from '../open-service.ts';
import { Problem } from '../problems.ts';
import { readSettings, surroundings } from '../settings.ts';
import { preferSmallHeap } from '../small-heap.ts';
import { createProgress, type Progress } from './progress.ts';
import { completeArgument, type RenderedPrompt, renderPrompt } from './prompts.ts';
import { completeTaskId, type ReadResource, readResource } from './resources.ts';
import { runTool } from './run-tool.ts';
import type { ToolResult } from './tool.ts';
import { TOOLS } from './tools.ts';

export interface WorkCall {
  /** The client cancelled, or went away. */
  readonly signal: AbortSignal;
  /** When the call came in, on the monotonic clock. */
  readonly arrivedAt: number;
  readonly onProgress: (progress: Progress) => void;
}

/** What was wrong, and how to mend it: a protocol error has nothing but a sentence. */
export interface Refused {
  readonly refusal: string;
}

export interface Work {
  readonly log: Log;
  /** @param name one of the listed tools, for which it never throws */
  call(name: string, input: unknown, call: WorkCall): Promise<ToolResult>;
  /** @returns undefined when there is no such resource */
  readResource(uri: string): Promise<ReadResource | Refused | undefined>;
  /** @returns undefined when there is no such prompt */
  renderPrompt(
    name: string,
    values: Readonly<Record<string, string>> | undefined,
  ): Promise<RenderedPrompt | Refused | undefined>;
  /** What an argument of a prompt, or of a resource's address, may go on with. */
  complete(of: { readonly prompt: string } | 'resource', argument: string, value: string): Promise<readonly string[]>;
  /** Takes up what earlier processes left open; without keys it is left to the first call, which says so. */
  resume(): Promise<void>;
  /** Ends every wait; awaits and records what was sent, for at most so long. */
  end(reason: string, waitMilliseconds: number): Promise<void>;
}

export function openWork(): Work {
  preferSmallHeap();
  const read = readSettings(surroundings());
  const log = createLog(read.settings.logLevel);
  const holder = holdService(read, log);
  for (const { name, message: reason } of read.notes) log.warn('a setting is ignored', { name, reason });
  return {
    log,
    async call(name, input, { signal, arrivedAt, onProgress }) {
      const tool = TOOLS.find((candidate) => candidate.name === name);
      if (tool === undefined) throw new RangeError(`no tool ${name}`);
      return await runTool(
        tool,
        input,
        { holder, signal, arrivedAt, onWait: createProgress(systemClock, onProgress) },
        log,
      );
    },
    readResource: (uri) => orRefused(() => readResource(uri, holder)),
    renderPrompt: (name, values) => orRefused(async () => renderPrompt(name, values)),
    async complete(of, argument, value) {
      if (of !== 'resource') return completeArgument(of.prompt, argument, value);
      return argument === 'task_id' ? await completeTaskId(value, holder) : [];
    },
    async resume() {
      await holder.service('query', 'save').then(
        (service) => service.resume(),
        () => undefined,
      );
    },
    async end(reason, waitMilliseconds) {
      log.debug('ending', { reason });
      await holder.end(waitMilliseconds);
    },
  };
}

async function orRefused<Value>(run: () => Promise<Value>): Promise<Value | Refused> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { refusal: `${error.message} To mend it: ${error.mend}.` };
  }
}
