/** A sandbox, folders, and a way to run commands there, for one test of the command line. */
import type { TestContext } from 'vitest';
import { type CommandResult, type RunningCommand, runCommand, startCommand } from '../../support/run-command.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/workspace.ts';

export interface Stage extends Workspace {
  readonly sandbox: Sandbox;
  run(...args: string[]): Promise<CommandResult>;
  /** Its standard output, read as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer, right or wrong.
  runJson(...args: string[]): Promise<{ code: number | null; json: any; stderr: string }>;
  start(...args: string[]): RunningCommand;
  /** Moves the provider's clock on: what was being made is done. */
  advance(seconds: number): void;
  /** What was submitted, oldest first. */
  submits(): Record<string, unknown>[];
}

/** Refuses every connection. The port of a server that was closed could be another test's by then. */
export const NOBODY_LISTENS = 'http://127.0.0.1:1';

/** Of this test alone; taken down when it is over. */
export async function setStage(
  { onTestFinished }: TestContext,
  options: SandboxOptions = {},
  settings: Record<string, string> = {},
): Promise<Stage> {
  let ahead = 0;
  const now = () => Date.now() + ahead * 1000;
  const sandbox = await startSandbox({ generationSeconds: 0.2, requestsPerSecond: 1000, now, ...options });
  const workspace = makeWorkspace(sandbox, settings);
  onTestFinished(async () => {
    await sandbox.close();
    await workspace.remove();
  });
  const run = (...args: string[]) => runCommand(args, workspace);
  return {
    ...workspace,
    sandbox,
    run,
    async runJson(...args) {
      const { code, stdout, stderr } = await run(...args, '--json');
      return { code, json: JSON.parse(stdout), stderr };
    },
    advance(seconds) {
      ahead += seconds;
    },
    start: (...args) => startCommand(args, workspace),
    submits: () => sandbox.submits().map(({ body }) => ({ ...body })),
  };
}

/** The task's id, as the line says that is printed as soon as it is known. */
const RECORDED = /^task (jv-[0-9a-z]{8}-[0-9a-z]{5}): recorded$/m;

export function recordedId({ stderr }: { stderr: string }): string {
  const id = RECORDED.exec(stderr)?.[1];
  if (id === undefined) throw new Error(`no task was recorded:\n${stderr}`);
  return id;
}

/** Looks every 10 ms. @throws Error after half a minute */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`never came: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
