/** Refusals before a video is converted, and the clean-up and the Problem when converting fails. */
import { rm, stat } from 'node:fs/promises';
import { Problem } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { TimeLimitExceeded } from '../../system/thread.ts';
import { UnusableFile } from './thread.ts';

/** @throws Problem when `target` is the very file that is to be read */
export async function refuseSameFile(source: string, target: string): Promise<void> {
  const [from, to] = await Promise.all([source, target].map((path) => stat(path, { bigint: true }).catch(() => null)));
  if (from && to && from.ino === to.ino && from.dev === to.dev) {
    throw new Problem('conversion_failed', {
      what: `"${source}" cannot be converted onto itself; the original is kept.`,
    });
  }
}

/** @throws Problem when the clip is more than a frame shorter than asked */
export function refuseTooShort(durationSeconds: number, fps: number, seconds: number): void {
  if (durationSeconds > seconds - 1.5 / fps) return;
  throw new Problem('conversion_failed', {
    what: `The video is ${durationSeconds.toFixed(2)} seconds long and cannot be trimmed to ${seconds}.`,
  });
}

/** Why something failed, for the middle of a sentence. Only our own words: ffmpeg's stay in the cause. */
export function inBrackets(error: unknown): string {
  const reason = reasonOf(error);
  return reason === undefined ? '' : ` (${reason})`;
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof Problem) return error.message.replace(/\.$/, '');
  if (error instanceof UnusableFile) return `it is not a playable MP4: ${error.message}`;
  if (error instanceof TimeLimitExceeded) return error.message;
  return errorCode(error);
}

/** The original is kept, whatever happened. @param what continues "The video could not be" */
export function notConverted(source: string, what: string, error: unknown): Problem {
  if (error instanceof Problem && error.code === 'conversion_failed') return error;
  return new Problem('conversion_failed', {
    what: `The video could not be ${what}${inBrackets(error)}; the original is kept: "${source}".`,
    cause: error,
  });
}

/** Removes the unfinished target. @throws the signal's reason, or the problem */
export async function giveUp(target: string, problem: Problem, signal: AbortSignal | undefined): Promise<never> {
  await rm(target, { force: true }).catch(() => {});
  signal?.throwIfAborted();
  throw problem;
}
