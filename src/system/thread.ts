/** Starts worker threads, without our environment, and also where the working directory was deleted. */
import { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';

/** The thread gets neither our stdout, which belongs to the protocol, nor our environment, which holds the keys. */
export function startThread(file: URL, options: WorkerOptions): Worker {
  leaveDeletedFolder();
  return new Worker(file, { env: {}, execArgv: [], stdout: true, stderr: true, ...options });
}

/**
 * A thread does not start in a folder that was deleted (Node 24: "process.cwd failed"). Nothing is read relative to the
 * process's own folder: the settings remember the one that it was started in.
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
