/** How does memory stay flat whatever the file's size? */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const STEP_BYTES = 2e6;

/**
 * Each piece off the connection is a buffer outside V8's heap, which V8 lets pile up to 64 MB before it looks. A 1 GB
 * file from loopback grew a process that had used its client before by 42–65 MB; by 33–35 MB with a minor collection
 * every 2 MB (0.3 ms each) from the beginning on, and by 40–48 MB when these began at 6 MB or later (Node 20.20,
 * 2026-11; nearly all of it is given back at the end).
 * @returns to be called with the bytes received so far; does nothing where the engine offers no collection
 */
export function createMemoryKeeper(): (bytes: number) => void {
  let collect: ((options: { type: 'minor' }) => void) | undefined;
  let nextBytes = STEP_BYTES;
  return (bytes) => {
    if (bytes < nextBytes) return;
    nextBytes = bytes + STEP_BYTES;
    collect ??= offeredCollection();
    collect({ type: 'minor' });
  };
}

function offeredCollection(): (options: { type: 'minor' }) => void {
  try {
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc');
  } catch {
    return () => undefined;
  }
}
