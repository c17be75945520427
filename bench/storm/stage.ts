/** What both storms stand on: a sandbox without limits, the program's environment, and a hand that kills. */
import { join } from 'node:path';
import { type Sandbox, startSandbox } from '../../test/support/sandbox.ts';
import { randomFrom } from './faults.ts';

export async function startBoundlessSandbox(generationSeconds: number): Promise<Sandbox> {
  return await startSandbox({
    generationSeconds,
    tasksInFlight: 10_000,
    requestsPerSecond: 1_000_000,
    maxStoredRequests: 1_000_000,
  });
}

/** Slots that unknown submits hold for minutes are not what is tried: the concurrency is out of the way. */
export function environmentIn(folder: string, { credentials, url }: Sandbox): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    VOLC_ACCESSKEY: credentials.accessKeyId,
    VOLC_SECRETKEY: credentials.secretAccessKey,
    JIMENG_VIDEO_API_URL: url,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    JIMENG_VIDEO_API_TIMEOUT: '3',
    JIMENG_VIDEO_POLL_INTERVAL: '0.2',
    JIMENG_VIDEO_CONCURRENCY: '100',
  };
}

export interface Killing {
  /** Milliseconds between two kills, on average; 0: none. */
  readonly killEveryMilliseconds: number;
  /** Afterwards the rest is made in peace: a process that lives shorter than a lease takes nothing over. */
  readonly killsAtMost?: number;
  readonly seed: number;
}

/** @param living those that may be killed now @returns how many were */
export async function killAtRandom(
  living: () => readonly { kill(): void }[],
  { killEveryMilliseconds: every, killsAtMost = Number.POSITIVE_INFINITY, seed }: Killing,
  over: AbortSignal,
): Promise<number> {
  const random = randomFrom(seed + 1);
  let kills = 0;
  while (every > 0 && kills < killsAtMost && !over.aborted) {
    await new Promise((resolve) => setTimeout(resolve, every * (0.5 + random())));
    const now = living();
    const victim = now[Math.floor(random() * now.length)];
    if (over.aborted || victim === undefined) continue;
    victim.kill();
    kills++;
  }
  return kills;
}
