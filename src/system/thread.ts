/** Starts worker threads, without our environment, and also where the working directory was deleted. */
import { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';

/** The thread gets neither our stdout, which belongs to the protocol, nor our environment, which holds the keys. */
export function startThread(file: URL, options: WorkerOptions): Worker {
  leaveDeletedFolder();
  const worker = new Worker(file, { env: {}, execArgv: [], stdout: true, stderr: true, ...options });
  // Without a listener, a thread that breaks while nobody waits for it would end the process.
  worker.on('error', () => undefined);
  return worker;
}

/**
 * No thread starts while the working directory is a deleted folder (Node 24: "process.cwd failed"). Leaving it changes
 * no path: the settings keep the directory that the process was started in, and relative paths are resolved from there.
 */
export function leaveDeletedFolder(): void {
  if (!isMainThread) return;
  try {
    // Throws also where the folder was deleted and created again: the process is still in the deleted one.
    process.chdir(process.cwd());
  } catch {
    process.chdir('/');
  }
}
