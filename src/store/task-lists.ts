/** What only reads many tasks: lists, ids and sums of one account. */
import type { Task, TaskStatus } from '../tasks/record.ts';
import type { Engine, Params, Row, Tx } from './engine.ts';
import { readDoneFen, readReservedFen, taskOf } from './rows.ts';
import * as sql from './statements.ts';
import type { ListQuery, Lists, Sums } from './store.ts';

export class TaskLists implements Lists {
  private readonly engine: Engine;
  private readonly scope: string;
  private readonly newest: (task: Task) => Task;
  private statusSums:
    | { readonly version: number | string | undefined; readonly byStatus: Sums['byStatus'] }
    | undefined;

  /** @param newest the task as it would be if the disk had taken what is kept */
  constructor(engine: Engine, scope: string, newest: (task: Task) => Task) {
    this.engine = engine;
    this.scope = scope;
    this.newest = newest;
  }

  async tasks({ limit, status, open }: ListQuery): Promise<readonly Task[]> {
    const statement = open ? sql.OPEN_TASKS : status === undefined ? sql.NEWEST : sql.NEWEST_OF_STATUS;
    const params = { scope: this.scope, limit, status: status ?? null };
    return await this.engine.read(async (tx) =>
      (await tx.all(statement, params)).map((row) => this.newest(taskOf(row, tx.now))),
    );
  }

  async openIds(): Promise<readonly { readonly id: string; readonly status: TaskStatus }[]> {
    const rows = await this.rows(sql.OPEN_IDS, { scope: this.scope });
    return rows.map(({ id, status }) => ({ id: String(id), status: String(status) as TaskStatus }));
  }

  async unsavedIds(): Promise<ReadonlySet<string>> {
    return new Set((await this.rows(sql.UNSAVED_IDS)).map(({ id }) => String(id)));
  }

  async idsThatBegin(prefix: string, limit: number): Promise<readonly string[]> {
    const params = { scope: this.scope, from: prefix, to: `${prefix}\uffff`, limit };
    return (await this.rows(sql.IDS_THAT_BEGIN, params)).map(({ id }) => String(id));
  }

  async sums(): Promise<Sums> {
    const version = await this.engine.version();
    return await this.engine.read(async (tx) => ({
      byStatus: await this.byStatus(tx, version),
      doneLast24hFen: await readDoneFen(tx, this.scope),
      reservedFen: await readReservedFen(tx, this.scope),
    }));
  }

  /** All tasks are counted: not again while nothing was written. */
  private async byStatus(tx: Tx, version: number | string | undefined): Promise<Sums['byStatus']> {
    if (this.statusSums === undefined || version === undefined || this.statusSums.version !== version) {
      const rows = await tx.all(sql.STATUS_SUMS, { scope: this.scope });
      const sums = rows.map(
        ({ status, count, fen }) => [String(status) as TaskStatus, { count: Number(count), fen: Number(fen) }] as const,
      );
      this.statusSums = { version, byStatus: new Map(sums) };
    }
    return this.statusSums.byStatus;
  }

  private async rows(statement: string, params?: Params): Promise<readonly Row[]> {
    return await this.engine.read((tx) => tx.all(statement, params));
  }
}
