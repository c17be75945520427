/** The part of the server that calls need: settings, service, tools, resources and prompts. Loaded by the first of them. */
import { type App, createApp } from '../app.ts';
import { systemClock } from '../clock.ts';
import type { Caller } from '../library/library.ts';
import { createLog, type Log } from '../log.ts';
import { Problem } from '../problems.ts';
import type { Phrasing } from '../report/phrasing-tools.ts';
import { readSettings, surroundings } from '../settings.ts';
import { CALL_LIMITS, CallLimiter } from './call-limiter.ts';
import { callTool } from './call-tool.ts';
import { completeArgument, type RenderedPrompt, renderPrompt } from './prompts.ts';
import { completeTaskId, type ReadResource, readResource } from './resources.ts';
import { problemFor } from './results.ts';
import type { ToolCall, ToolResult } from './tool.ts';
import { ToolService } from './tool-service.ts';
import { TOOLS } from './tools.ts';

/** What was wrong, and how to fix it: a protocol error has nothing but a sentence. */
export interface Refused {
  readonly refusal: string;
}

export interface Handlers {
  readonly log: Log;
  /**
   * @param name one of the listed tools, for which it never throws
   * @param writable resolves when the client has read enough of earlier answers for another one
   */
  call(name: string, given: unknown, call: ToolCall, writable: () => Promise<void>): Promise<ToolResult>;
  /** @returns undefined when there is no such resource */
  readResource(uri: string, caller: Caller): Promise<ReadResource | Refused | undefined>;
  /** @returns undefined when there is no such prompt */
  renderPrompt(
    name: string,
    values: Readonly<Record<string, string>> | undefined,
  ): Promise<RenderedPrompt | Refused | undefined>;
  /** The values that an argument of a prompt, or of a resource's address, can be completed to. */
  complete(
    of: { readonly prompt: string } | 'resource',
    argument: string,
    value: string,
    caller: Caller,
  ): Promise<readonly string[]>;
  /** Resumes what earlier processes left open; without keys that is left to the first call, which reports it. */
  resume(): Promise<void>;
  /** Ends every wait; awaits and records what was sent, at most for the time given. */
  end(reason: string, waitMilliseconds: number): Promise<void>;
}

/** For the stdio server: with the settings of this process. */
export function openHandlers(): Handlers {
  const read = readSettings(surroundings());
  const log = createLog(read.settings.logLevel);
  for (const { name, message } of read.notes) log.warn('setting ignored', { setting: name, reason: message });
  return createHandlers(createApp(read, log), log);
}

export function createHandlers(app: App, log: Log, phrasing?: Phrasing): Handlers {
  const service = new ToolService(app, phrasing);
  const limiter = new CallLimiter(CALL_LIMITS, systemClock);
  return {
    log,
    async call(name, given, call, writable) {
      const tool = TOOLS.find((candidate) => candidate.name === name);
      if (tool === undefined) throw new RangeError(`no tool ${name}`);
      return await callTool(tool, given, call, { service, limiter, log, writable });
    },
    readResource: (uri, caller) => orRefused(() => readResource(uri, service, caller), caller, log),
    renderPrompt: (name, values) => orRefused(async () => renderPrompt(name, values), undefined, log),
    async complete(of, argument, value, caller) {
      if (of !== 'resource') return completeArgument(of.prompt, argument, value);
      return argument === 'task_id' ? await completeTaskId(value, service, caller) : [];
    },
    async resume() {
      await service.resume().catch(() => undefined);
    },
    async end(reason, waitMilliseconds) {
      log.debug('ending', { reason });
      await app.end(waitMilliseconds);
    },
  };
}

async function orRefused<Value>(
  run: () => Promise<Value>,
  caller: Caller | undefined,
  log: Log,
): Promise<Value | Refused> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { message, hint } = problemFor(caller, error, log);
    return { refusal: `${message} To fix it: ${hint}.` };
  }
}
