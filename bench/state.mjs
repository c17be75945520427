/** Writes tasks into a state folder's database, as if earlier processes had left them. */
import { importSource } from './server-under-test.mjs';

const { paramsOf } = await importSource('src/store/rows.ts');
const { slotOfRunning } = await importSource('src/tasks/record.ts');
const { sqliteEngine } = await importSource('src/store/sqlite.ts');
const { INSERT_TASK } = await importSource('src/store/statements.ts');
const { systemClock: clock } = await importSource('src/clock.ts');
const { silentLog: log } = await importSource('src/log.ts');

/** @param records whole TaskRecords */
export async function writeTasks(file, scope, records) {
  const engine = sqliteEngine({ file, clock, log });
  await engine.transaction(async (tx) => {
    for (const record of records) {
      await tx.run(INSERT_TASK, paramsOf(record, scope, { slotUntil: slotOfRunning(record) }));
    }
  });
  await engine.close();
}

/** Of the account whose tasks the database holds. */
export async function scopeIn(file) {
  const engine = sqliteEngine({ file, clock, log });
  const row = await engine.read((tx) => tx.get('SELECT scope FROM task LIMIT 1'));
  await engine.close();
  return String(row.scope);
}
