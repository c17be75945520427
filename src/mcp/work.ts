/** What does the server need once it is asked for something? All that the first answers can do without. */
import { systemClock } from '../clock.ts';
import { createLog } from '../log.ts';
import { holdService } from '../open-service.ts';
import { missingKeys, readSettings, surroundings } from '../settings.ts';
import { createProgress, type Progress } from './progress.ts';
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

export interface Work {
  /** @param name one of the listed tools, for which it never throws */
  call(name: string, input: unknown, call: WorkCall): Promise<ToolResult>;
  /** Takes up what earlier processes left open; without keys it is left to the first call, which says so. */
  resume(): Promise<void>;
  /** Ends every wait; awaits and records what was sent, for at most so long. */
  end(reason: string, waitMilliseconds: number): Promise<void>;
}

export function openWork(): Work {
  const from = surroundings();
  const read = readSettings(from);
  const log = createLog(read.settings.logLevel);
  const holder = holdService(read, missingKeys(from), log);
  return {
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
    async resume() {
      await holder.service().then(
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
