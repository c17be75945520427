/** Compares the provider’s records with the database that all hosts share. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../src/tasks/record.ts';
import { statements } from '../../test/support/postgres.ts';
import type { Sandbox } from '../../test/support/sandbox.ts';
import type { Storm } from './faults.ts';
import { lostAnswer, sizeOf, tableOf } from './figures.ts';
import { requestOf } from './storm.ts';
import type { Worker } from './worker.ts';

export interface HostFigures {
  readonly tasks: number;
  readonly hosts: number;
  readonly kills: number;
  readonly stops: number;
  readonly partitions: number;
  readonly databaseRestarts: number;
  readonly lostCommits: number;
  readonly acceptedByProvider: number;
  readonly saved: number;
  readonly unknownBecauseTheAnswerWasLost: number;
  readonly unknownBecauseTheProcessEnded: number;
  /** Its process was taken for dead before the bytes left, and says that nothing was sent: nothing was charged. */
  readonly failedUnsent: number;
  readonly unknownOtherwise: readonly string[];
  readonly lost: readonly string[];
  readonly paidTwice: readonly string[];
  readonly twoTasksForOneRequest: readonly string[];
  readonly leftOpen: readonly string[];
  readonly unmade: readonly string[];
  /** Claims that a living process neither sent nor gave back. */
  readonly claimsNobodyFreed: readonly string[];
  readonly processesThatEndedByThemselves: readonly string[];
  readonly refusals: number;
  readonly seconds: number;
}

/**
 * A submit is answered or given up after 3 s. When the database comes back, all processes write what they kept: an
 * outcome was seen to wait 19 s for that on two loaded cores.
 */
const LONGEST_CLAIM_MILLISECONDS = 30_000;

const CLAIMS = `SELECT task.id, task.claim, host.name FROM task JOIN host ON host.id = task.owner
  WHERE task.status = 'submitting' AND host.lease_until > extract(epoch FROM clock_timestamp()) * 1000`;

/** Of the claims that processes with a lease have kept for too long: task, process and milliseconds. */
export type KeptClaims = ReadonlyMap<string, { readonly process: string; readonly milliseconds: number }>;

/** Looks at the database itself. */
export async function watchClaims(address: string, over: AbortSignal): Promise<KeptClaims> {
  const since = new Map<string, number>();
  const kept = new Map<string, { readonly process: string; readonly milliseconds: number }>();
  while (!over.aborted) {
    await sleep(500, undefined, { signal: over }).catch(() => undefined);
    const rows = await statements(address, [CLAIMS]).catch(() => undefined);
    if (rows === undefined) {
      // The database is away: until it is back, nobody can write an outcome.
      since.clear();
      continue;
    }
    const claims = new Set(rows.map(({ claim }) => String(claim)));
    for (const claim of since.keys()) if (!claims.has(claim)) since.delete(claim);
    for (const { id, claim, name } of rows) {
      const first = since.get(String(claim)) ?? performance.now();
      since.set(String(claim), first);
      const milliseconds = Math.round(performance.now() - first);
      if (milliseconds > LONGEST_CLAIM_MILLISECONDS) kept.set(String(id), { process: String(name), milliseconds });
    }
  }
  return kept;
}

interface Evidence {
  readonly tasks: number;
  readonly sandbox: Sandbox;
  readonly storm: Storm;
  readonly records: readonly Task[];
  readonly clients: readonly Worker[];
  readonly gone: readonly string[];
  readonly keptClaims: KeptClaims;
}

type Judged = Omit<
  HostFigures,
  'hosts' | 'kills' | 'stops' | 'partitions' | 'databaseRestarts' | 'lostCommits' | 'seconds'
>;

export async function judgeHosts({
  tasks,
  sandbox,
  storm,
  records,
  clients,
  gone,
  keptClaims,
}: Evidence): Promise<Judged> {
  const accepted = new Map<string, number>();
  for (const { request } of sandbox.accepted) {
    const prompt = String(request.body?.prompt);
    accepted.set(prompt, (accepted.get(prompt) ?? 0) + 1);
  }
  const lostAnswers = new Set(
    sandbox.requests
      .filter((request) => request.operation === 'submit' && lostAnswer(storm, request) !== undefined)
      .map(({ body }) => String(body?.prompt)),
  );
  const found = { saved: 0, byAnswer: 0, byEnd: 0, unsent: 0 };
  const [lost, unmade, twice, open, otherwise]: string[][] = [[], [], [], [], []];
  for (let number = 0; number < tasks; number++) {
    const { prompt } = requestOf(number);
    const own = records.filter((record) => record.request.prompt === prompt);
    // What failed was not charged, and may be made again.
    const counted = own.filter(({ status }) => status !== 'failed');
    const record = counted[0] ?? own[0];
    if (counted.length > 1) twice?.push(`${prompt}: ${counted.map(({ status }) => status).join(', ')}`);
    const what = `${prompt}: ${record?.status ?? 'no record'} ${record?.error?.code ?? ''} ${record?.error?.message ?? ''}`;
    const path = record?.video?.file?.path;
    if (record?.status === 'done' && path !== undefined && (await sizeOf(path)) === record.video?.file?.bytes)
      found.saved++;
    else if (record?.status === 'unknown' && lostAnswers.has(prompt)) found.byAnswer++;
    else if (record?.status === 'unknown' && record.error?.code === 'interrupted') found.byEnd++;
    else if (record?.status === 'unknown') otherwise?.push(what);
    else if (!accepted.has(prompt) && own.some(isUnsent)) found.unsent++;
    else if (record !== undefined && ['queued', 'submitting', 'generating'].includes(record.status)) open?.push(what);
    else if (accepted.has(prompt)) lost?.push(what);
    else {
      const all = own.map(({ id, status, error }) => `${id} ${status} ${error?.code ?? ''}`).join(', ');
      unmade?.push(`${what}; recorded: ${all}; its client was told: ${answersTo(prompt, clients)}`);
    }
  }
  return {
    tasks,
    acceptedByProvider: sandbox.accepted.length,
    saved: found.saved,
    unknownBecauseTheAnswerWasLost: found.byAnswer,
    unknownBecauseTheProcessEnded: found.byEnd,
    failedUnsent: found.unsent,
    unknownOtherwise: otherwise ?? [],
    lost: lost ?? [],
    paidTwice: [...accepted].filter(([, times]) => times > 1).map(([prompt]) => prompt),
    twoTasksForOneRequest: twice ?? [],
    leftOpen: open ?? [],
    unmade: unmade ?? [],
    claimsNobodyFreed: [...keptClaims].map(([id, { process, milliseconds }]) => {
      const task = records.find((record) => record.id === id);
      return `${id}, ${task?.request.prompt}: kept ${milliseconds} ms by ${process}, then ${task?.status}`;
    }),
    processesThatEndedByThemselves: gone,
    refusals: clients.flatMap(({ seen }) => seen).filter(({ answer }) => answer.structured?.status === 'refused')
      .length,
  };
}

/** Claimed by a process that others then took for dead, or that the database left at the last check before sending. */
function isUnsent({ status, attempts, error }: Task): boolean {
  return status === 'failed' && attempts > 0 && ['claim_lost', 'store_unavailable'].includes(error?.code ?? '');
}

/** The last answers, oldest first. */
function answersTo(prompt: string, clients: readonly Worker[]): string {
  const answers = clients.flatMap(({ seen }) => seen).filter(({ request }) => request.prompt === prompt);
  const last = answers.slice(-5).map(({ answer: { structured, text } }) => {
    return `${structured?.task_id} ${structured?.status} ${structured?.error?.code ?? ''} ${structured?.message ?? text}`;
  });
  return `${answers.length} answers, ${last.join(' | ')}`;
}

const NONE = [
  'lost',
  'paidTwice',
  'twoTasksForOneRequest',
  'leftOpen',
  'unmade',
  'claimsNobodyFreed',
  'processesThatEndedByThemselves',
] as const;

export function isHostStormKept(figures: HostFigures): boolean {
  return NONE.every((name) => figures[name].length === 0) && figures.unknownOtherwise.length <= figures.tasks * 0.05;
}

export function hostTableOf(figures: HostFigures): string {
  return tableOf(figures, [...NONE, 'unknownOtherwise']);
}
