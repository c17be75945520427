/** How does a process that mostly waits stay small? By asking V8 for it. */
import { setFlagsFromString } from 'node:v8';

/**
 * Without it V8 lets the space for new objects grow while a thousand tasks are taken up, and keeps it: 120 MB resident
 * instead of 87 MB, at the same event-loop delay (Node 20.20, 2026-11).
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
}
