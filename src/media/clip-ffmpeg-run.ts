/** How is ffmpeg run so that nothing leaks to it, nothing hangs, and it is gone when we stop? */
import { spawn } from 'node:child_process';
import type { Clock } from '../clock.ts';

export interface Program {
  /** Absolute. */
  readonly path: string;
  /** All that it gets to see: never our keys. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunLimits {
  readonly clock: Clock;
  readonly timeLimitMilliseconds: number;
  /** Kills the run; what is thrown is then the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Outcome {
  readonly output: string;
  readonly errors: string;
}

const MAX_OUTPUT_CHARACTERS = 64 * 1024;
const MAX_ERROR_CHARACTERS = 2000;

export class TimeLimitExceeded extends Error {}

/**
 * Runs a program by its absolute path, without a shell, and kills it at the time limit or when the signal is aborted.
 * @throws the signal's reason; or an Error that says what happened: not started, exit code with its last words, time limit
 */
export async function runProgram(
  program: Program,
  options: readonly string[],
  limits: RunLimits,
  input?: Uint8Array,
): Promise<Outcome> {
  limits.signal?.throwIfAborted();
  const ended = new AbortController();
  const child = spawn(program.path, options, {
    shell: false,
    windowsHide: true,
    env: { ...program.environment },
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(0, MAX_OUTPUT_CHARACTERS);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-MAX_ERROR_CHARACTERS);
  });
  child.stdin?.on('error', () => {}).end(input);

  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const timeIsUp = limits.clock
    .sleep(limits.timeLimitMilliseconds, AbortSignal.any([ended.signal, ...(limits.signal ? [limits.signal] : [])]))
    .then(() => {
      throw new TimeLimitExceeded(`stopped after ${limits.timeLimitMilliseconds / 1000} seconds`);
    });
  try {
    const exitCode = await Promise.race([closed, timeIsUp]);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode ?? 'none'}: ${errors.trim() || 'no explanation'}`);
    return { output, errors };
  } catch (error) {
    await killAndWait(child, closed);
    throw error;
  } finally {
    ended.abort();
    timeIsUp.catch(() => {});
  }
}

/** The target may be removed only once nobody writes it. A child of the child may hold the pipes open: they are let go. */
async function killAndWait(child: ReturnType<typeof spawn>, closed: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
  await closed.catch(() => {});
}
