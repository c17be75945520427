/** Runs the built program in its own process, as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandFor } from '../../src/cli/here.ts';

/** What `npm run build` makes; `npm test` builds before it runs the tests. */
export const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** How sentences name it. */
export const COMMAND = commandFor(
  { path: PROGRAM, node: process.execPath },
  { system: process.platform, searchPath: '', isThere: () => false, read: () => undefined },
);

export interface CommandResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandPlace {
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** All that it has printed so far. */
  readonly printed: { stdout: string; stderr: string };
  /** Resolves when it ends. */
  readonly result: Promise<CommandResult>;
  /** Resolves with the match as soon as it is there, in whole lines. @throws when it ends first */
  seen(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>;
}

/** @param wrapper a program that runs ours, given all of its arguments */
export function startCommand(
  args: readonly string[],
  { env, workingDir }: CommandPlace,
  wrapper?: string,
): RunningCommand {
  if (!existsSync(PROGRAM)) throw new Error('The program is not built: run node scripts/build.mjs first.');
  const child = spawn(wrapper ?? process.execPath, wrapper === undefined ? [PROGRAM, ...args] : args, {
    cwd: workingDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
    });
  }
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...printed }));
  });
  const seen = (name: 'stdout' | 'stderr', pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(printed[name].slice(0, printed[name].lastIndexOf('\n') + 1));
        if (match !== null) resolve(match);
      };
      look();
      child[name].on('data', look);
      void result.then(() => reject(new Error(`${pattern} was never on ${name}:\n${printed[name]}`)));
    });
  return { child, printed, result, seen };
}

export async function runCommand(args: readonly string[], place: CommandPlace): Promise<CommandResult> {
  return await startCommand(args, place).result;
}
