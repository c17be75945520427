/** Wait for everything that is open and save it, and what was finished but could not be saved: for CI and cron. */
import type { Command } from 'commander';
import * as z from 'zod';
import { TASK_LIFE_SECONDS } from '../jimeng/modes.ts';
import type { TaskRecord } from '../tasks/record.ts';
import type { Call, VideoService } from '../tasks/service.ts';
import { EXIT, worstExitCode } from './exit-codes.ts';
import { LEAST_WAIT_SECONDS } from './get.ts';
import { addJsonOption, addWaitOption, parseInput, waitSecondsInput } from './options.ts';
import { isLeftInQueue, type Outcome, tellTask } from './outcome.ts';
import { runSession, type Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Newest first; no account has more than this many videos in the 12 hours that the provider keeps them. */
const MAX_UNSAVED = 1000;

const input = z.strictObject({ wait_seconds: waitSecondsInput });

export function addCollect(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('collect')
    .summary('wait for all open videos and save them')
    .description(
      'Waits for all open videos and saves them, and those that are finished but could not be saved. Sends nothing: a request left in the queue by a command that has ended is sent by get. Free.',
    );
  addWaitOption(command, `how long to wait (default: to the end; at least ${LEAST_WAIT_SECONDS})`);
  addJsonOption(command).action(async (options: { json?: boolean }) => {
    end(await collect(terminal, { ...options }, options.json === true));
  });
}

async function collect(terminal: Terminal, given: Record<string, unknown>, isWanted: boolean): Promise<number> {
  const ofRefusal = (report: object) => [report];
  return await runSession(terminal, { isWanted, ofRefusal }, async (session) => {
    const { wait_seconds: wait } = parseInput(input, given);
    const service = await session.holder.service('paid');
    const call = session.call(wait === undefined ? undefined : Math.max(wait, LEAST_WAIT_SECONDS));
    const unsaved = await unsavedIds(service);
    const open = await service.openIds();
    await Promise.all([waitForAll(session, service, open, call), saveAll(service, unsaved, call)]);
    return () => tellAll(service, [...new Set([...unsaved, ...open])].sort());
  });
}

/** Finished, to be saved, and not saved; the provider still has them. */
async function unsavedIds(service: VideoService): Promise<string[]> {
  const { records } = await service.list(MAX_UNSAVED, 'done');
  const now = service.context.clock.now();
  const isKept = ({ submitted_at: at }: TaskRecord) =>
    at !== undefined && now - Date.parse(at) < TASK_LIFE_SECONDS * 1000;
  return records
    .filter((record) => record.destination !== null && record.video?.file === undefined && isKept(record))
    .map((record) => record.id);
}

async function waitForAll(session: Session, service: VideoService, ids: readonly string[], call: Call): Promise<void> {
  let left = ids.length;
  const quiet: Call = { ...call, onWait: () => session.terminal.showProgress(`${left} of ${ids.length} videos open`) };
  await Promise.all(
    ids.map(async (id) => {
      const record = await service.context.journal.read(id);
      if (record !== undefined && !isLeftInQueue(record)) await service.waitUntilOver(record, quiet);
      left--;
    }),
  );
}

/** One after the other: what could not be saved before is not helped by ten downloads at once. */
async function saveAll(service: VideoService, ids: readonly string[], call: Call): Promise<void> {
  for (const id of ids) {
    if (call.signal.aborted) return;
    await service.get(id, undefined, undefined, call);
  }
}

async function tellAll(service: VideoService, ids: readonly string[]): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const id of ids) {
    const record = await service.context.journal.read(id);
    if (record !== undefined) outcomes.push(await tellTask(service, record));
  }
  return {
    text: outcomes.length === 0 ? 'Nothing is open, and everything is saved.' : texts(outcomes),
    json: outcomes.map(({ json }) => json),
    exitCode: outcomes.length === 0 ? EXIT.done : worstExitCode(outcomes.map(({ exitCode }) => exitCode)),
  };
}

function texts(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ text }) => text).join('\n\n---\n\n');
}
