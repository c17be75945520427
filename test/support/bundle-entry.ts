/** Runs TypeScript in its own process: bundled into a temporary folder and spoken to in lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** @returns the path of the bundle in `folder` */
export async function bundleEntry(entry: URL, folder: string): Promise<string> {
  const outfile = join(folder, 'entry.mjs');
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.13',
    logLevel: 'silent',
  });
  return outfile;
}

export interface LineProcess {
  readonly pid: number;
  /** Sends a line, and resolves with the next line that comes back. */
  ask(line: string): Promise<string>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** A bundle that reads lines and answers each with one. Its stderr is the test's. */
export function startLines(command: string, parameters: readonly string[]): LineProcess {
  const child: ChildProcess = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the process has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    ask: async (line) => {
      stdin.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`the process ended instead of answering "${line}"`);
      return value;
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
