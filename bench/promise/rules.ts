/** Which rules hold the promise up? Each can be taken out of a build, to see that its figure falls: PROMISE_WITHOUT=NAME. */
import type { Change } from './moments.ts';

const SUBMIT = 'src/tasks/submit.ts';
const QUEUE = 'src/tasks/queue.ts';
const ADMIT = 'src/tasks/admit.ts';
const SAVE = 'src/tasks/save.ts';
const SERVICE = 'src/tasks/service.ts';

export const RULES: Readonly<Record<string, Change>> = {
  'a claim without an outcome is unknown': {
    file: 'src/tasks/claims.ts',
    from: "(await readFile(path, 'utf8')) === WITHDRAWN",
    to: '(true as boolean)',
  },
  'the claim stands before the sending': {
    file: SUBMIT,
    from: 'if (!(await journal.claim(record.id, record.attempts, JSON.stringify(context.identity))))',
    to: "if (!(await journal.claim('none-' + record.id, record.attempts, context.identity.place)))",
  },
  'the answer is recorded at once': {
    file: SUBMIT,
    from: 'await journal.writeOrKeep(record);',
    to: 'if (false as boolean) await journal.writeOrKeep(record);',
  },
  'the intent is recorded': {
    file: QUEUE,
    from: 'await context.journal.write(taken);',
    to: 'if (false as boolean) await context.journal.write(taken);',
  },
  'one lock': {
    file: 'src/tasks/context.ts',
    from: 'return await journal.lockTurns.take(async () => {',
    to: 'if (true as boolean) return await step();\nreturn await journal.lockTurns.take(async () => {',
  },
  'the same request is joined': {
    file: ADMIT,
    from: 'allowDuplicate ? undefined : await findSameRequest(context, prepared.fingerprint)',
    to: 'undefined as Awaited<ReturnType<typeof findSameRequest>>',
  },
  'slots are counted': {
    file: QUEUE,
    from: 'if ((await countInFlight(context, reqKey)) >= limitNow(context, pacing)) return undefined;',
    to: '',
  },
  'a refusal teaches the limit': {
    file: QUEUE,
    from: '{ ...pacing, limit: Math.max(1, inFlight), limitUntil: now + TAUGHT_LIMIT_MILLISECONDS }',
    to: '{ ...pacing }',
  },
  'first come, first served': {
    file: QUEUE,
    from: 'const head = queued.sort(byId)',
    to: 'const head = queued.sort(byId).reverse()',
  },
  'one watcher': {
    file: 'src/tasks/watch.ts',
    from: 'return await tryLease(context.journal.leasePath(id), context.identity).catch(',
    to: 'return (true as boolean) ? { renew: async () => true, release: async () => undefined } : await tryLease(context.journal.leasePath(id), context.identity).catch(',
  },
  "a dead process's lease is over": {
    file: 'src/tasks/lease.ts',
    from: 'const alive = isAlive(holder);',
    to: 'const alive = true as boolean | undefined; void isAlive;',
  },
  'a named file is found again': {
    file: SAVE,
    from: 'const found = await findFinished(context, destination, record);',
    to: 'const found = (true as boolean) ? undefined : await findFinished(context, destination, record);',
  },
  'the second name is removed': {
    file: SAVE,
    from: 'for (const left of [part, cut]) await rm(left, { force: true });',
    to: '',
  },
  'left entries of every mode are sent': {
    file: SERVICE,
    from: '.finally(() => this.sender.pumpAll(prepared.reqKey))',
    to: '',
  },
  'left entries expire': {
    file: QUEUE,
    from: 'const LEFT_ENTRY_MILLISECONDS = 3600_000;',
    to: 'const LEFT_ENTRY_MILLISECONDS = 1e12;',
  },
  'one record for one provider task': {
    file: 'src/tasks/adopt.ts',
    from: 'if (there === undefined) await context.journal.adopt(adopted);\n    return there ?? adopted;',
    to: 'void there; await context.journal.adopt(adopted);\n    return adopted;',
  },
  'the budget': {
    file: ADMIT,
    from: 'if (same === undefined) await requireRoom(context, prepared.estimatedCny);',
    to: '',
  },
  'the last wait': {
    file: 'src/start.ts',
    from: 'const MAX_END_MILLISECONDS = 3_000;',
    to: 'const MAX_END_MILLISECONDS = 0;',
  },
  'a cancelled call records nothing': { file: ADMIT, from: 'options.signal.throwIfAborted();', to: '' },
  'what cannot be written is kept': {
    file: 'src/tasks/journal.ts',
    from: 'this.unwritten.set(record.id, record);',
    to: '',
  },
  'a folder that is gone is made anew': {
    file: 'src/tasks/journal.ts',
    from: "if ((cause as NodeJS.ErrnoException).code === 'ENOENT') this.prepared = false;",
    to: '',
  },
};

/** @throws Error for a name that is none */
export function changesWithout(name: string | undefined): readonly Change[] {
  if (name === undefined || name === '') return [];
  const change = RULES[name];
  if (change === undefined) throw new Error(`no rule ${name}; there are: ${Object.keys(RULES).join(', ')}`);
  return [change];
}
