/** What does a waiting client see? Something at once, then every few seconds. */
import type { Clock } from '../clock.ts';
import type { TaskRecord } from '../tasks/record.ts';

const EVERY_MILLISECONDS = 5_000;

export interface Progress {
  /** Strictly rising: seconds since the task was recorded. */
  readonly progress: number;
  /** Under 200 characters: Claude Code shows no more. */
  readonly message: string;
}

export function createProgress(clock: Clock, send: (progress: Progress) => void): (record: TaskRecord) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  return (record) => {
    const now = clock.monotonic();
    if (now < nextAt) return;
    nextAt = now + EVERY_MILLISECONDS;
    const seconds = Math.max(0, (clock.now() - Date.parse(record.submitted_at ?? record.created_at)) / 1000);
    last = Math.max(last + 0.001, Math.round(seconds * 1000) / 1000);
    send({ progress: last, message: progressMessage(record, Math.round(seconds)) });
  };
}

function progressMessage(record: TaskRecord, seconds: number): string {
  const doing = record.video === undefined ? record.status.replace('_', ' ') : 'saving';
  return `${record.id}: ${doing}, ${seconds} s so far, usually 2 to 10 minutes for ${record.request.mode}`;
}
