/** Writes tasks into a program's database, as if earlier processes had left them. */
import { scopeOf } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import type { Credentials } from '../../src/jimeng/signature.ts';
import { silentLog } from '../../src/log.ts';
import { paramsOf } from '../../src/store/rows.ts';
import { sqliteEngine } from '../../src/store/sqlite.ts';
import { INSERT_TASK } from '../../src/store/statements.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';
import { databaseIn } from './records.ts';

/** @param records oldest first */
export async function leaveRecords(
  stateDir: string,
  sandbox: { readonly url: string; readonly credentials: Credentials },
  records: readonly TaskRecord[],
): Promise<void> {
  const scope = scopeOf(sandbox.url, sandbox.credentials.accessKeyId);
  const engine = sqliteEngine({ file: databaseIn(stateDir), clock: systemClock, log: silentLog });
  await engine.transaction(async (tx) => {
    for (const record of records) {
      // A lost request may be running at the provider.
      const slotUntil = record.status === 'unknown' ? systemClock.now() + 3600_000 : undefined;
      await tx.run(INSERT_TASK, paramsOf(record, scope, { slotUntil }));
    }
  });
  await engine.close();
}
