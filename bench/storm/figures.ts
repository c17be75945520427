/** Compares the provider's books, the database and the folder of videos, for every request. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../src/tasks/record.ts';
import type { RecordedRequest } from '../../test/support/recorded-requests.ts';
import { readRecords } from '../../test/support/records.ts';
import type { Sandbox } from '../../test/support/sandbox.ts';
import { nameOf, type Storm } from './faults.ts';
import type { ToolAnswer } from './stdio-client.ts';
import { flawOf, type Request, type Worker } from './worker.ts';

export interface Figures {
  readonly tasks: number;
  readonly processesStarted: number;
  readonly kills: number;
  readonly answersGivenByProvider: number;
  readonly answersThatWentWrong: number;
  readonly acceptedByProvider: number;
  readonly saved: number;
  readonly unknownBecauseTheAnswerWasLost: number;
  readonly unknownBecauseTheProcessWasKilled: number;
  /** Accepted, and neither saved nor unknown for a reason. */
  readonly lost: readonly string[];
  /** Accepted more than once. */
  readonly paidTwice: readonly string[];
  /** Never accepted, and no answer said why. */
  readonly unmade: readonly string[];
  /** Answers that were not what they should be, each once. */
  readonly flaws: readonly string[];
  readonly answersToTheClient: number;
  readonly answersThatWereNoSuccess: number;
  /** "Nothing was sent": the client asked again. */
  readonly refusals: number;
  readonly reasonsOfRefusals: readonly string[];
  readonly damagedDatabases: number;
  readonly linesThatAreNoJsonRpc: number;
  readonly secretsWritten: number;
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
}

export interface Evidence {
  readonly sandbox: Sandbox;
  readonly storm: Storm;
  readonly workers: readonly Worker[];
  readonly requests: readonly Request[];
  readonly folder: string;
  readonly kills: number;
  readonly seconds: number;
}

export async function judge(evidence: Evidence): Promise<Figures> {
  const { sandbox, storm, workers, requests, kills, seconds } = evidence;
  const stateDir = join(evidence.folder, 'state');
  const records = new Map(readRecords(stateDir).map((task) => [task.request.prompt ?? '', task]));
  const accepted = new Map<string, number>();
  for (const { request } of sandbox.accepted) {
    const prompt = String(request.body?.prompt);
    accepted.set(prompt, (accepted.get(prompt) ?? 0) + 1);
  }
  const faultAtSubmit = new Map(
    sandbox.requests
      .filter(({ operation }) => operation === 'submit')
      .map((request) => [String(request.body?.prompt), lostAnswer(storm, request)] as const)
      .filter(([, fault]) => fault !== undefined),
  );
  const lost: string[] = [];
  const unmade: string[] = [];
  const count = { saved: 0, byFault: 0, byKill: 0 };
  for (const { prompt } of requests) {
    const record = records.get(prompt);
    const path = record?.video?.file?.path;
    if (record?.status === 'done' && path !== undefined && (await sizeOf(path)) === record.video?.file?.bytes)
      count.saved++;
    else if (record?.status === 'unknown' && record.error?.code === 'interrupted' && kills > 0) count.byKill++;
    else if (record?.status === 'unknown' && faultAtSubmit.has(prompt)) count.byFault++;
    else {
      const what = `${prompt}: ${record?.status ?? 'no record'} ${record?.error?.message ?? ''} (${faultAtSubmit.get(prompt) ?? ''})`;
      (accepted.has(prompt) ? lost : unmade).push(what);
    }
  }
  const seen = workers.flatMap((worker) => worker.seen);
  const flaws = seen.flatMap(({ request, answer }) => {
    const flaw = flawOf(answer) ?? untruthOf(answer, request, accepted, records);
    return flaw === undefined ? [] : [`${request.prompt}: ${flaw}`];
  });
  const secret = sandbox.credentials.secretAccessKey;
  const answered = sandbox.requests.filter(({ operation }) => operation !== 'other');
  return {
    tasks: requests.length,
    processesStarted: workers.reduce((sum, { starts }) => sum + starts, 0),
    kills,
    answersGivenByProvider: answered.length,
    answersThatWentWrong: answered.filter((request) => storm.faultOf(request) !== undefined).length,
    acceptedByProvider: sandbox.accepted.length,
    saved: count.saved,
    unknownBecauseTheAnswerWasLost: count.byFault,
    unknownBecauseTheProcessWasKilled: count.byKill,
    lost,
    paidTwice: [...accepted].filter(([, times]) => times > 1).map(([prompt]) => prompt),
    unmade,
    flaws: [...new Set(flaws)],
    answersToTheClient: seen.length,
    answersThatWereNoSuccess: seen.filter(({ answer }) => answer.structured?.status !== 'done').length,
    refusals: seen.filter(({ answer }) => answer.structured?.status === 'refused').length,
    reasonsOfRefusals: [
      ...new Set(
        seen.flatMap(({ answer: { structured } }) =>
          structured?.status === 'refused' ? [String(structured.message).replaceAll(evidence.folder, '…')] : [],
        ),
      ),
    ],
    damagedDatabases: (await readdir(stateDir)).filter((name) => name.includes('damaged')).length,
    linesThatAreNoJsonRpc: workers.reduce((sum, { badLines }) => sum + badLines.length, 0),
    secretsWritten: workers.filter(({ written }) => written.includes(secret)).length,
    seconds: Math.round(seconds * 10) / 10,
    faults: storm.counts(),
  };
}

/** A fault of a submit after which the client cannot know what came of it. */
export function lostAnswer(storm: Storm, request: RecordedRequest): string | undefined {
  const fault = storm.faultOf(request);
  if (fault === undefined || ['slow', 'numeric-task-id'].includes(fault.kind)) return undefined;
  const isRefusal =
    (fault.kind === 'business' && [50429, 50430].includes(fault.code)) ||
    (fault.kind === 'gateway' && fault.code === 'FlowLimitExceeded');
  return isRefusal ? undefined : nameOf(fault);
}

/** @returns what the answer says that is not so */
function untruthOf(
  { structured }: ToolAnswer,
  { prompt }: Request,
  accepted: ReadonlyMap<string, number>,
  records: ReadonlyMap<string, Task>,
): string | undefined {
  const { status, task_id: id, message } = structured;
  // Nothing was recorded, so there is no id; what it says is checked where the request ends unmade.
  if (status === 'refused') return undefined;
  if (id === undefined) return `${status} without a task id: ${message}`;
  if (records.get(prompt)?.id !== id) return `the id of another task`;
  // What the sandbox makes is never charged: the status says what it would have cost.
  if (['failed', 'cancelled'].includes(status) && accepted.has(prompt)) {
    return `"nothing was charged", but it was taken: ${message}`;
  }
  if ((status === 'generating' || status === 'done') && !accepted.has(prompt)) {
    return `${status}, but it was never taken`;
  }
  if (status === 'unknown' && !/answer to the submit was lost/.test(message)) return 'unknown without saying why';
  return undefined;
}

export async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

const COUNTED = ['lost', 'paidTwice', 'unmade', 'flaws'] as const;

/**
 * The figures as a table of Markdown; of a list its length.
 * @param named lists whose first entries stand below the table
 */
export function tableOf(figures: object, named: readonly string[] = []): string {
  const all = Object.entries(figures);
  const rows = all.map(([name, value]) => {
    const words = name.replace(/([A-Z])/g, ' $1').toLowerCase();
    return `| ${words} | ${Array.isArray(value) ? value.length : value} |`;
  });
  const details = all
    .filter(([name]) => named.includes(name))
    .flatMap(([name, list]) => list.slice(0, 20).map((what: string) => `${name}: ${what}`));
  return ['| | |', '|---|---|', ...rows, ...(details.length > 0 ? ['', ...details] : [])].join('\n');
}

export function stormTableOf({ faults: _, ...figures }: Figures): string {
  return tableOf(figures, COUNTED);
}

/** Whether the promise is kept. */
export function isKept(figures: Figures): boolean {
  const { damagedDatabases, linesThatAreNoJsonRpc, secretsWritten } = figures;
  return (
    COUNTED.every((name) => figures[name].length === 0) &&
    damagedDatabases + linesThatAreNoJsonRpc + secretsWritten === 0
  );
}
