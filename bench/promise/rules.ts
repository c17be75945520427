/** Which rules hold the promise up: each can be taken out of a build, to see that its figure falls: PROMISE_WITHOUT=NAME. */
import type { Change } from './moments.ts';

const ADMISSION = 'src/tasks/admission.ts';
const COLLECTOR = 'src/tasks/collector.ts';
const DIRECTOR = 'src/films/director.ts';
const FILM_STORE = 'src/store/film-store.ts';
const FILMS = 'src/films/service.ts';
const PART = 'src/media/download/part-file.ts';
const QUEUE = 'src/tasks/queue.ts';
const SERVICE = 'src/tasks/service.ts';
const STATEMENTS = 'src/store/statements.ts';
const STORE = 'src/store/task-store.ts';
const TAKE = 'src/films/take.ts';

export const RULES: Readonly<Record<string, readonly Change[]>> = {
  'a claim without an outcome is unknown': [
    {
      file: 'src/tasks/outcome.ts',
      from: "record: { ...task, status: 'unknown', finishedAt: now, error },",
      to: "record: { ...task, status: 'queued' }, error,",
    },
  ],
  'the claim is checked before the bytes leave': [
    {
      file: 'src/tasks/submitter.ts',
      from: "if (!isHeld || passed >= CLAIM_MARGIN_MILLISECONDS) throw new Problem('claim_lost');",
      to: 'void isHeld, passed;',
    },
  ],
  'the outcome is recorded': [
    {
      file: STORE,
      from: 'await tx.run(sql.SETTLE_TASK, { ...this.params(record, ties), claim_was: token });',
      to: 'if (false as boolean) await tx.run(sql.SETTLE_TASK, { ...this.params(record, ties), claim_was: token });',
    },
  ],
  'one transaction at a time': [{ file: 'src/store/sqlite.ts', from: "exec('BEGIN IMMEDIATE')", to: "exec('BEGIN')" }],
  'the same request is joined': [
    { file: ADMISSION, from: 'allowDuplicate ? undefined : sameRequest(ledger);', to: 'undefined;' },
  ],
  'slots are counted': [
    {
      file: QUEUE,
      from: "if (inFlight + unknowns.length < limit) return { kind: 'send' };",
      to: "if (limit) return { kind: 'send' };",
    },
  ],
  'a refusal teaches the limit': [{ file: QUEUE, from: "...(code === '50430' ? learned : {}), ", to: '' }],
  'first come, first served': [
    {
      file: STATEMENTS,
      from: 'MIN(seq) AS first FROM task',
      to: 'MAX(seq) AS first FROM task',
    },
  ],
  'one holder': [
    {
      file: STATEMENTS,
      from: 'UPDATE task SET holder = :me WHERE scope = :scope AND id = :id AND (holder IS NULL OR holder = :me)',
      to: 'UPDATE task SET holder = :me WHERE scope = :scope AND id = :id',
    },
    {
      file: STATEMENTS,
      from: 'const UNPOLLED = "scope = :scope AND status = \'generating\' AND holder IS NULL";',
      to: 'const UNPOLLED = "scope = :scope AND status = \'generating\'";',
    },
    {
      file: STATEMENTS,
      from: 'FROM orphan) AND holder IS NULL RETURNING',
      to: 'FROM orphan) RETURNING',
    },
  ],
  "a dead process's tasks are resumed": [
    {
      file: 'src/store/lease.ts',
      from: 'else if (until <= tx.now && monotonic - seen.since >= SEEN_UNCHANGED_MILLISECONDS) dead.push(id);',
      to: '',
    },
  ],
  'a named file is found again': [
    { file: COLLECTOR, from: 'const found = await this.findPublished(task);', to: 'const found = undefined as any;' },
  ],
  'the second name is removed': [{ file: COLLECTOR, from: 'await delivery.removeStaged(task.id, place);', to: '' }],
  'an unfinished file is replaced': [
    {
      file: PART,
      from: 'await retryWhileBusy(clock, () => fs.unlink(path)).catch(',
      to: 'await Promise.resolve().catch(',
    },
    { file: PART, from: 'constants.O_EXCL', to: 'constants.O_TRUNC' },
  ],
  'left entries of every mode are sent': [
    {
      file: SERVICE,
      from: '// Entries of dead processes come before this one: first come, first served.\n    await this.sendLeft();',
      to: '',
    },
  ],
  'left entries expire': [
    { file: ADMISSION, from: 'LEFT_ENTRY_MILLISECONDS = 3600_000;', to: 'LEFT_ENTRY_MILLISECONDS = 1e12;' },
  ],
  'one record for one provider task': [
    {
      file: 'src/tasks/find-task.ts',
      from: "same === undefined ? { kind: 'create' } : { kind: 'join', task: same },",
      to: "same === undefined ? { kind: 'create' } : { kind: 'create' },",
    },
  ],
  'the budget': [
    {
      file: ADMISSION,
      from: 'if (limitFen === undefined || budget.reservedFen + fen <= limitFen) return undefined;',
      to: 'if (limitFen === undefined || fen <= limitFen) return undefined;',
    },
  ],
  'the last wait': [
    { file: 'src/start.ts', from: 'const MAX_END_MILLISECONDS = 3_000;', to: 'const MAX_END_MILLISECONDS = 0;' },
  ],
  'a cancelled call records nothing': [
    {
      file: SERVICE,
      from: 'call.signal.throwIfAborted();\n        return admit(ledger, limits);',
      to: 'return admit(ledger, limits);',
    },
  ],
  'what cannot be written is kept': [
    {
      file: 'src/store/task-hold.ts',
      from: 'this.kept.set(record.id, { record, write, written: promise, resolve });',
      to: 'void promise, resolve;',
    },
  ],
  'a removed database is opened again': [
    {
      file: 'src/store/sqlite.ts',
      from: 'const isReplaced = opened.identity !== identityOf(this.place);',
      to: 'const isReplaced = false as boolean;',
    },
  ],
  'open tasks are written into a database that was made again': [
    {
      file: 'src/store/lease.ts',
      from: 'await tx.run(INSERT_TASK, paramsOf(restored, scope, { ...ties, slotUntil: slotOfRunning(restored) }));',
      to: 'void ties;',
    },
  ],
  'a film is reserved whole': [
    {
      file: FILM_STORE,
      from: 'await tx.run(sql.INSERT_FILM, this.params(now));',
      to: 'const late = async (tx: Tx) => { await tx.run(sql.INSERT_FILM, this.params(now)); }; setTimeout(() => void this.options.engine.transaction(late).catch(() => undefined), 5);',
    },
  ],
  'the same film is joined': [
    { file: FILMS, from: '(options.allowDuplicate ? undefined : sameFilm(films, now));', to: 'undefined;' },
  ],
  'the same retake is joined': [
    { file: TAKE, from: "if (isRepeated) return { kind: 'join', film };", to: 'void isRepeated;' },
  ],
  'a retake keeps the takes': [
    { file: TAKE, from: 'const takes = [...shot.takes, take.record.id];', to: 'const takes = [take.record.id];' },
  ],
  'a join is verified against the hold before its name': [{ file: COLLECTOR, from: 'await hold.verify();', to: '' }],
  'a named film is found again': [
    {
      file: DIRECTOR,
      from: 'const found = await this.options.library.find({ bytes, sha256 }, place, name);',
      to: 'const found = undefined as any;',
    },
  ],
};

/** @throws Error for a name that is none */
export function changesWithout(name: string | undefined): readonly Change[] {
  if (name === undefined || name === '') return [];
  const changes = RULES[name];
  if (changes === undefined) throw new Error(`no rule ${name}; there are: ${Object.keys(RULES).join(', ')}`);
  return changes;
}
