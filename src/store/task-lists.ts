/** What only reads many tasks: lists, ids and sums of one account, and the search by words. */
import type { Task, TaskStatus } from '../tasks/record.ts';
import type { Engine, Params, Row, Tx } from './engine.ts';
import { readDoneFen, readReservedFen, taskOf } from './rows.ts';
import * as sql from './statements.ts';
import type { ListQuery, Lists, Person, Sums, TaskFilter, TaskPage } from './store.ts';

/** Rows that are read at a time where a text is searched for. */
const SEARCHED_ROWS = 200;
const MAX_WORDS = 12;

export class TaskLists implements Lists {
  private readonly engine: Engine;
  private readonly scope: string;
  private readonly newest: (task: Task) => Task;
  /** Of everybody. */
  private statusSums:
    | { readonly version: number | string | undefined; readonly byStatus: Sums['byStatus'] }
    | undefined;

  /** @param newest the task as it would be if the disk had taken what is kept */
  constructor(engine: Engine, scope: string, newest: (task: Task) => Task) {
    this.engine = engine;
    this.scope = scope;
    this.newest = newest;
  }

  async tasks({ limit, status, open, person }: ListQuery): Promise<readonly Task[]> {
    const statement = open ? sql.OPEN_TASKS : status === undefined ? sql.NEWEST : sql.NEWEST_OF_STATUS;
    return await this.engine.read(async (tx) => {
      const rows = await this.rows(tx, statement, person, { limit, status: status ?? null });
      return rows.map((row) => this.newest(taskOf(row, tx.now)));
    });
  }

  async page(filter: TaskFilter, after: string | undefined, limit: number, person?: Person): Promise<TaskPage> {
    const words = wordsOf(filter.text);
    const params = { mode: filter.mode ?? '', statuses: listed(filter.statuses), ids: listed(filter.ids) };
    return await this.engine.read(async (tx) => {
      const found: Task[] = [];
      let before = after ?? '';
      for (let isMore = true; isMore && found.length <= limit; ) {
        // One more than is shown tells whether another page follows.
        const rowLimit = words.length === 0 ? limit + 1 : SEARCHED_ROWS;
        const searched = { ...params, before, text: patternOf(words), limit: rowLimit };
        const rows = await this.rows(tx, sql.FILTERED_TASKS, person, searched);
        const tasks = rows.map((row) => this.newest(taskOf(row, tx.now)));
        found.push(...tasks.filter((task) => isFound(task, words)));
        before = tasks.at(-1)?.id ?? before;
        isMore = words.length > 0 && rows.length === rowLimit;
      }
      const tasks = found.slice(0, limit);
      const [counted] = words.length > 0 ? [] : await this.rows(tx, sql.FILTERED_COUNT, person, params);
      const total = counted && Number(counted.count);
      return { tasks, total, next: found.length > limit ? tasks.at(-1)?.id : undefined };
    });
  }

  async openIds(person?: Person): Promise<readonly { readonly id: string; readonly status: TaskStatus }[]> {
    const rows = await this.engine.read((tx) => this.rows(tx, sql.OPEN_IDS, person));
    return rows.map(({ id, status }) => ({ id: String(id), status: String(status) as TaskStatus }));
  }

  async unsavedIds(): Promise<ReadonlySet<string>> {
    return new Set((await this.engine.read((tx) => tx.all(sql.UNSAVED_IDS))).map(({ id }) => String(id)));
  }

  async idsThatBegin(prefix: string, limit: number, person?: Person): Promise<readonly string[]> {
    const params = { from: prefix, to: `${prefix}\uffff`, limit };
    const rows = await this.engine.read((tx) => this.rows(tx, sql.IDS_THAT_BEGIN, person, params));
    return rows.map(({ id }) => String(id));
  }

  async sums(person?: Person): Promise<Sums> {
    const version = await this.engine.version();
    return await this.engine.read(async (tx) => ({
      byStatus: person === undefined ? await this.byStatus(tx, version) : await this.readByStatus(tx, person),
      doneLast24hFen: await readDoneFen(tx, { scope: this.scope, person }),
      reservedFen: await readReservedFen(tx, { scope: this.scope, person }),
    }));
  }

  /** All tasks are counted: not again while nothing was written. */
  private async byStatus(tx: Tx, version: number | string | undefined): Promise<Sums['byStatus']> {
    if (this.statusSums === undefined || version === undefined || this.statusSums.version !== version) {
      this.statusSums = { version, byStatus: await this.readByStatus(tx) };
    }
    return this.statusSums.byStatus;
  }

  private async readByStatus(tx: Tx, person?: Person): Promise<Sums['byStatus']> {
    const rows = await this.rows(tx, sql.STATUS_SUMS, person);
    const sums = rows.map(
      ({ status, count, fen }) => [String(status) as TaskStatus, { count: Number(count), fen: Number(fen) }] as const,
    );
    return new Map(sums);
  }

  private async rows(tx: Tx, statement: string, person: Person, params: Params = {}): Promise<readonly Row[]> {
    return await tx.all(sql.ofPerson(statement, person), { scope: this.scope, person: person ?? null, ...params });
  }
}

/** As the statements take a list; '' lets everything through. */
function listed(values: readonly string[] | undefined): string {
  return values === undefined ? '' : `,${values.join(',')},`;
}

/** In lower case. */
function wordsOf(text: string | undefined): readonly string[] {
  return (text ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, MAX_WORDS);
}

/**
 * For LIKE with `!` as escape, over the record's JSON in lower case: the longest word, as JSON writes it. Engines differ in
 * which letters they make small: a letter outside ASCII that has two cases stands for any letter.
 * @returns '' for no words
 */
function patternOf(words: readonly string[]): string {
  const longest = [...words].sort((one, other) => other.length - one.length)[0];
  if (longest === undefined) return '';
  const characters = [...JSON.stringify(longest).slice(1, -1)].map((character) => {
    if (/[%_!]/.test(character)) return `!${character}`;
    return character > '\x7f' && character.toUpperCase() !== character ? '_' : character;
  });
  return `%${characters.join('')}%`;
}

function isFound({ id, request, video }: Task, words: readonly string[]): boolean {
  const name = video?.file?.path.split(/[\\/]/).at(-1) ?? '';
  const searched = [request.prompt ?? '', id, name].join('\n').toLowerCase();
  return words.every((word) => searched.includes(word));
}
