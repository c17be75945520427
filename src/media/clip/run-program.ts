/** Runs ffmpeg so that it sees none of our keys, cannot hang, and has ended when the call returns. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../../clock.ts';
import { TimeLimitExceeded } from '../../system/thread.ts';

export interface Program {
  /** Absolute. */
  readonly path: string;
  /** All of its environment: never our keys. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunLimits {
  readonly clock: Clock;
  readonly timeLimitMilliseconds: number;
  /** Kills the run; what is thrown is then the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The program's standard input, and how much of its standard output is kept. */
export interface Pipes {
  readonly input?: Uint8Array | undefined;
  readonly maxOutputBytes?: number | undefined;
}

const MAX_OUTPUT_BYTES = 64 * 1024;
const MAX_ERROR_CHARACTERS = 2000;

/**
 * Runs a program by its absolute path, without a shell, and kills it at the time limit or when the signal is aborted.
 * @returns its standard output, cut off at the limit
 * @throws the signal's reason; or an Error with the cause: not started, exit code with its last output, time limit
 */
export async function runProgram(
  program: Program,
  options: readonly string[],
  limits: RunLimits,
  { input, maxOutputBytes = MAX_OUTPUT_BYTES }: Pipes = {},
): Promise<Buffer> {
  limits.signal?.throwIfAborted();
  const ended = new AbortController();
  const child = spawn(program.path, options, {
    shell: false,
    windowsHide: true,
    env: { ...program.environment },
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  let kept = 0;
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output.push(chunk.subarray(0, maxOutputBytes - kept));
    kept += output.at(-1)?.length ?? 0;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-MAX_ERROR_CHARACTERS);
  });
  child.stdin?.on('error', () => {}).end(input);

  const closed = once(child, 'close').then(([code]) => code as number | null);
  const timeIsUp = limits.clock
    .sleep(limits.timeLimitMilliseconds, AbortSignal.any([ended.signal, ...(limits.signal ? [limits.signal] : [])]))
    .then(() => {
      throw new TimeLimitExceeded(limits.timeLimitMilliseconds);
    });
  try {
    const exitCode = await Promise.race([closed, timeIsUp]);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode ?? 'none'}: ${errors.trim() || 'no explanation'}`);
    return Buffer.concat(output);
  } catch (error) {
    await killAndWait(child, closed);
    throw error;
  } finally {
    ended.abort();
    timeIsUp.catch(() => {});
  }
}

/**
 * Returns when the program has ended, so that its target may be removed. The pipes are closed here: a process that the
 * program started may hold them open.
 */
async function killAndWait(child: ReturnType<typeof spawn>, closed: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
  await closed.catch(() => {});
}
