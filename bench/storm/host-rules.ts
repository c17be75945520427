/** The rules that a shared store adds: each can be taken out of a build, to see the storm of hosts fail. */
import type { Change } from '../promise/moments.ts';

const ENGINE = 'src/store/postgres.ts';
const SCHEMA = 'src/store/schema.ts';

export const HOST_RULES: Readonly<Record<string, readonly Change[]>> = {
  'a claim is never handed on': [
    {
      file: 'src/tasks/outcome.ts',
      from: "record: { ...task, status: 'unknown', finishedAt: now, error },",
      to: "record: { ...task, status: 'queued' }, error,",
    },
  ],
  'one transaction at a time for an account': [
    {
      file: 'src/store/postgres-server.ts',
      from: 'SELECT pg_advisory_xact_lock(hashtextextended(:account, 77)), ',
      to: 'SELECT hashtextextended(:account, 77), ',
    },
  ],
  'the isolation level is stated': [
    {
      file: ENGINE,
      from: 'const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED',
      to: 'const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ',
    },
  ],
  'no task names a dead process': [
    {
      file: SCHEMA,
      from: 'owner TEXT REFERENCES host (id) ON DELETE SET NULL,\n        holder TEXT REFERENCES host (id) ON DELETE SET NULL,\n        slot_until',
      to: 'owner TEXT, holder TEXT, slot_until',
    },
  ],
  'a COMMIT without an answer is taken back': [
    { file: ENGINE, from: 'if (undo !== undefined) this.undos.push(undo);', to: '' },
  ],
};
