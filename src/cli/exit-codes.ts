/** What does the shell learn? */
import type { Report } from '../report/report.ts';

export const EXIT = { done: 0, failed: 1, wrongUsage: 2, stillRunning: 3 } as const;

const OF_STATUS: Record<Report['status'], number> = {
  checked: EXIT.done,
  done: EXIT.done,
  cancelled: EXIT.done,
  failed: EXIT.failed,
  unknown: EXIT.failed,
  not_found: EXIT.failed,
  expired: EXIT.failed,
  refused: EXIT.wrongUsage,
  queued: EXIT.stillRunning,
  submitting: EXIT.stillRunning,
  in_queue: EXIT.stillRunning,
  generating: EXIT.stillRunning,
};

export function exitCodeOf({ status, video, error }: Report): number {
  // Finished and paid, but not where it was wanted: a script must not go on as if the file were there.
  if (status === 'done' && video?.path === undefined && error !== undefined) return EXIT.failed;
  if (status === 'refused' && error?.code === 'save_failed') return EXIT.failed;
  return OF_STATUS[status];
}

/** Of several: a failure is told first, because what still runs is told again by the next call. */
export function worstExitCode(codes: readonly number[]): number {
  const order = [EXIT.wrongUsage, EXIT.failed, EXIT.stillRunning];
  return order.find((code) => codes.includes(code)) ?? EXIT.done;
}
