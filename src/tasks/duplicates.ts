/** Is the same request there already, so that it need not be paid for again? */
import { createHash } from 'node:crypto';
import { jsonPieces } from '../jimeng/body-bytes.ts';
import type { TaskContext } from './context.ts';
import { isLeftForTooLong } from './queue.ts';
import type { TaskRecord, TaskStatus } from './record.ts';

/** A finished one is what a repeated call wants for this long. */
const DONE_MILLISECONDS = 30 * 60_000;
/** A submit whose answer was lost may be a video for as long as a task lives. */
const UNKNOWN_MILLISECONDS = 12 * 3600_000;

/**
 * @param body the submit's, images by content
 * @returns the same for the same body, duration and rate; no seed is seed −1
 */
export function fingerprintOf(body: Readonly<Record<string, unknown>>, duration: number, fps: number): string {
  const { seed = -1, ...rest } = body;
  const sorted = Object.entries({ ...rest, seed }).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  for (const piece of jsonPieces([sorted, duration, fps])) hash.update(piece);
  return hash.digest('hex');
}

function isYoung(status: TaskStatus, ageMilliseconds: number): boolean {
  if (status === 'done') return ageMilliseconds < DONE_MILLISECONDS;
  return status === 'unknown' && ageMilliseconds < UNKNOWN_MILLISECONDS;
}

/** @returns the newest that a second call joins instead of paying; call it under the lock */
export async function findSameRequest(context: TaskContext, fingerprint: string): Promise<TaskRecord | undefined> {
  const { journal, clock } = context;
  const now = clock.now();
  const { open, closed } = await journal.snapshot();
  const matches = open.filter((record) => record.fingerprint === fingerprint && !isLeftForTooLong(record, now));
  for (const entry of closed) {
    if (!isYoung(entry.status, now - entry.closedAt)) continue;
    const record = await journal.readClosed(entry);
    if (record?.fingerprint === fingerprint) matches.push(record);
  }
  return matches.sort((a, b) => (a.id < b.id ? -1 : 1)).at(-1);
}
