/** What is on disk about every task of one account at one service? */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFailure } from '../jimeng/api.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { claimPath, voidClaim, withdrawClaim } from './claims.ts';
import { ClosedFolder, type ClosedListing } from './closed-folder.ts';
import { type ClosedEntry, closedFileName, entryOf, readClosedName } from './closed-name.ts';
import { createExclusively, exists, makePrivateFolder, syncFolder, writeDurably } from './durable-file.ts';
import { isOpen, isTaskId, recordSchema, type TaskRecord } from './record.ts';
import type { Scope } from './scope.ts';
import { Turns } from './turns.ts';

export interface Snapshot {
  /** Both in the order of their ids, oldest first. */
  readonly open: readonly TaskRecord[];
  readonly closed: readonly ClosedEntry[];
}

const READ_TOGETHER = 32;

/**
 * Layout, under the state folder's folder for the pair:
 * `open/ID.json` and `closed/ID.STATUS.FEN.CLOSED_AT.json` hold the records, `bodies/` what is still to be sent,
 * `claims/` each sending, `leases/` who is at what, `provider/` the provider's ids.
 */
export class Journal {
  readonly folder: string;
  readonly scope: Scope;
  private readonly log: Log;
  private readonly closedFolder: ClosedFolder;
  /** Where a closed record that was asked for or written here was last seen. */
  private readonly closedNames = new Map<string, string>();
  /** What the disk would not take, newest version each: told from here, and tried again. */
  private readonly unwritten = new Map<string, TaskRecord>();
  private readonly unreadable = new Set<string>();
  /** The last write of each record that is being written. */
  private readonly turns = new Map<string, Promise<void>>();
  private prepared = false;
  /** This process's own steps under the lock. */
  readonly lockTurns = new Turns();
  /** The last of them waited for the lock in vain. */
  isLockStuck = false;

  constructor(stateDir: string, scope: Scope, log: Log) {
    const name = createHash('sha256').update(`${scope.origin}\n${scope.account}`).digest('hex').slice(0, 16);
    this.folder = join(stateDir, name);
    this.closedFolder = new ClosedFolder(join(this.folder, 'closed'));
    this.scope = scope;
    this.log = log;
  }

  leasePath(name: string): string {
    return join(this.folder, 'leases', name);
  }

  /** Makes the folders, before the first write. @throws Problem state_not_writable with the path */
  async prepare(): Promise<void> {
    if (this.prepared) return;
    await this.guard(async () => {
      for (const name of ['open', 'closed', 'bodies', 'claims', 'leases', 'provider']) {
        await makePrivateFolder(join(this.folder, name));
      }
      // For a person who looks: the folder's name is a hash.
      const accountPath = join(this.folder, 'account.json');
      if (!(await exists(accountPath))) await writeDurably(accountPath, `${JSON.stringify(this.scope, null, 2)}\n`);
    });
    this.prepared = true;
  }

  /** Where somebody has removed them. @throws Problem state_not_writable with the path */
  async prepareAnew(): Promise<void> {
    this.prepared = false;
    await this.prepare();
  }

  /** The body first: a record without its body could not be sent. @throws Problem state_not_writable */
  async create(record: TaskRecord, body: Uint8Array): Promise<void> {
    await this.prepare();
    await this.guard(async () => {
      try {
        await writeDurably(this.bodyPath(record.id), body);
        await writeDurably(this.openPath(record.id), text(record));
      } catch (error) {
        // Told as refused: what a full disk let through after all must not be sent later.
        await rm(this.openPath(record.id), { force: true }).catch(() => undefined);
        await this.dropBody(record.id);
        throw error;
      }
    });
  }

  /** A task that the provider has but this machine has no record of. @throws Problem state_not_writable */
  async adopt(record: TaskRecord): Promise<void> {
    await this.prepare();
    await this.guard(() => writeDurably(this.openPath(record.id), text(record)));
    await this.rememberProviderId(record);
  }

  /**
   * Replaces the record; moves it between open and closed as its status says.
   * @throws Problem state_not_writable
   */
  async write(record: TaskRecord): Promise<void> {
    await this.inTurn(record.id, () => this.writeNow(record));
  }

  private async writeNow(record: TaskRecord): Promise<void> {
    await this.prepare();
    const closedName = (await exists(this.openPath(record.id))) ? undefined : await this.closedNameOf(record.id);
    const current = closedName === undefined ? this.openPath(record.id) : this.closedPath(closedName);
    await this.guard(async () => {
      await writeDurably(current, text(record));
      if (record.provider_task_id !== undefined && closedName === undefined) await this.rememberProviderId(record);
      if (isOpen(record.status)) {
        if (closedName !== undefined) await this.move(current, this.openPath(record.id));
        this.closedNames.delete(record.id);
        return;
      }
      const name = closedFileName(record, closedName);
      if (name !== closedName) await this.move(current, this.closedPath(name));
      this.closedNames.set(record.id, name);
    });
    this.unwritten.delete(record.id);
    if (!isOpen(record.status)) await this.dropLeftovers(record);
  }

  /**
   * For what has already happened at the provider: a full disk must not lose it. What cannot be written is told on
   * stderr with the provider's ids, kept, and written when `writeAgain` finds room. Never throws.
   */
  async writeOrKeep(record: TaskRecord): Promise<void> {
    try {
      await this.write(record);
    } catch (error) {
      this.keep(record, describeFailure(error));
    }
  }

  /** What is not on disk, though it should be: told on stderr, and from here, and written by `writeAgain`. */
  keep(record: TaskRecord, reason: string): void {
    this.unwritten.set(record.id, record);
    // Perhaps since a folder is gone.
    this.prepared = false;
    this.log.error('record cannot be written', {
      task: record.id,
      status: record.status,
      provider_task_id: record.provider_task_id,
      req_key: record.req_key,
      reason,
    });
  }

  /** One write of a record after the other: a late repeat must not undo what was written meanwhile. */
  private async inTurn(id: string, write: () => Promise<void>): Promise<void> {
    const before = this.turns.get(id);
    const turn = (before ?? Promise.resolve()).then(write);
    const settled = turn.catch(() => undefined);
    this.turns.set(id, settled);
    try {
      await turn;
    } finally {
      if (this.turns.get(id) === settled) this.turns.delete(id);
    }
  }

  /** Tries again to write what the disk would not take. */
  async writeAgain(): Promise<void> {
    for (const id of [...this.unwritten.keys()]) {
      await this.inTurn(id, async () => {
        const newest = this.unwritten.get(id);
        if (newest === undefined) return;
        if (await this.isOverOnDisk(newest)) return void this.unwritten.delete(id);
        await this.writeNow(newest).catch((error: unknown) => this.keep(newest, describeFailure(error)));
      });
    }
  }

  /** Another process knows more: only of `unknown` anything is found out afterwards. */
  private async isOverOnDisk({ id, status }: TaskRecord): Promise<boolean> {
    const name = isOpen(status) ? await this.closedNameOf(id).catch(() => undefined) : undefined;
    const closed = name === undefined ? undefined : readClosedName(name);
    return closed !== undefined && closed.status !== 'unknown';
  }

  isUnwritten(id: string): boolean {
    return this.unwritten.has(id);
  }

  /** Its body is not needed any more once the provider has answered. */
  async dropBody(id: string): Promise<void> {
    await rm(this.bodyPath(id), { force: true }).catch(() => undefined);
  }

  async body(id: string): Promise<Buffer> {
    return await readFile(this.bodyPath(id));
  }

  /** Exactly one caller, in whatever process, is told true. The claim is never taken back. */
  async claim(id: string, attempt: number, content: string): Promise<boolean> {
    return await this.guard(() => createExclusively(claimPath(this.folder, id, attempt), content));
  }

  async voidClaim(id: string, attempt: number): Promise<void> {
    await this.guard(() => voidClaim(claimPath(this.folder, id, attempt)));
  }

  async withdrawClaim(id: string, attempt: number): Promise<boolean> {
    return await this.guard(() => withdrawClaim(claimPath(this.folder, id, attempt)));
  }

  /** @returns undefined when there is none, or it cannot be read */
  async read(id: string): Promise<TaskRecord | undefined> {
    const unwritten = this.unwritten.get(id);
    if (unwritten !== undefined || !isTaskId(id)) return unwritten;
    for (let round = 0; round < 2; round++) {
      const opened = await this.readFileOf(this.openPath(id));
      if (opened !== undefined) return opened;
      const closedName = await this.closedNameOf(id);
      const closed = closedName === undefined ? undefined : await this.readFileOf(this.closedPath(closedName));
      if (closed !== undefined) return closed;
      // It may just have moved from one folder to the other.
      this.closedNames.delete(id);
    }
    return undefined;
  }

  async findByProviderId(providerTaskId: string): Promise<TaskRecord | undefined> {
    for (const record of this.unwritten.values()) if (record.provider_task_id === providerTaskId) return record;
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(providerTaskId)) return undefined;
    try {
      return await this.read((await readFile(join(this.folder, 'provider', providerTaskId), 'utf8')).trim());
    } catch {
      return undefined;
    }
  }

  /** Newest last. What the disk would not take is there all the same. */
  async openIds(): Promise<string[]> {
    const onDisk = (await this.list('open')).flatMap((name) => {
      return name.endsWith('.json') && isTaskId(name.slice(0, -5)) ? [name.slice(0, -5)] : [];
    });
    return [...new Set([...onDisk, ...this.unwritten.keys()])].sort();
  }

  /**
   * Everything at one moment: open first, so that a record that is just being closed is seen at least once; what is
   * seen twice counts as closed.
   */
  async snapshot(): Promise<Snapshot> {
    const open = await this.openRecords();
    const listing = await this.closedListing();
    const closed = listing.entries;
    const rest = open.filter((record) => listing.find(record.id) === undefined);
    const unmoved = rest.filter((record) => !isOpen(record.status)).map(entryOf);
    return {
      open: rest.filter((record) => isOpen(record.status)),
      closed: unmoved.length === 0 ? closed : [...closed, ...unmoved].sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
  }

  /** Moves a record that was closed, but whose process died before it was moved. */
  async settle(record: TaskRecord): Promise<void> {
    await this.guard(() => this.move(this.openPath(record.id), this.closedPath(closedFileName(record, undefined))));
    await this.dropLeftovers(record);
  }

  /** Those that were closed but not yet moved included. */
  async openRecords(): Promise<TaskRecord[]> {
    const ids = await this.openIds();
    const read = async (id: string) => this.unwritten.get(id) ?? (await this.readFileOf(this.openPath(id)));
    const records: (TaskRecord | undefined)[] = [];
    // A thousand files read at once take as much memory as the whole server.
    while (ids.length > 0) records.push(...(await Promise.all(ids.splice(0, READ_TOGETHER).map(read))));
    return records.filter((record) => record !== undefined);
  }

  /** Oldest first. */
  async closedEntries(): Promise<readonly ClosedEntry[]> {
    return (await this.closedListing()).entries;
  }

  private async closedListing(): Promise<ClosedListing> {
    try {
      return await this.closedFolder.list();
    } catch (error) {
      throw this.notWritable(error);
    }
  }

  async readClosed(entry: ClosedEntry): Promise<TaskRecord | undefined> {
    return (await this.readFileOf(this.closedPath(entry.fileName))) ?? (await this.read(entry.id));
  }

  private openPath(id: string): string {
    return join(this.folder, 'open', `${id}.json`);
  }

  private closedPath(fileName: string): string {
    return join(this.folder, 'closed', fileName);
  }

  private bodyPath(id: string): string {
    return join(this.folder, 'bodies', `${id}.json`);
  }

  private async closedNameOf(id: string): Promise<string | undefined> {
    const known = this.closedNames.get(id);
    if (known !== undefined && (await exists(this.closedPath(known)))) return known;
    const found = (await this.closedListing()).find(id)?.fileName;
    if (found !== undefined) this.closedNames.set(id, found);
    return found;
  }

  private async rememberProviderId(record: TaskRecord): Promise<void> {
    const name = record.provider_task_id;
    if (name === undefined || !/^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
    const path = join(this.folder, 'provider', name);
    // Whole or not at all: one that a kill left empty would never be filled.
    if (!(await exists(path))) await writeDurably(path, `${record.id}\n`);
  }

  private async move(from: string, to: string): Promise<void> {
    try {
      await rename(from, to);
    } catch (error) {
      // Another process moved it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !(await exists(to))) throw error;
    }
    await syncFolder(join(this.folder, 'open'));
    await syncFolder(join(this.folder, 'closed'));
  }

  private async dropLeftovers(record: TaskRecord): Promise<void> {
    await this.dropBody(record.id);
    for (let attempt = 1; attempt <= record.attempts; attempt++) {
      await rm(claimPath(this.folder, record.id, attempt), { force: true }).catch(() => undefined);
    }
  }

  private async list(name: string): Promise<string[]> {
    try {
      return await readdir(join(this.folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.notWritable(error);
    }
  }

  private async readFileOf(path: string): Promise<TaskRecord | undefined> {
    let content: string;
    try {
      content = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.notWritable(error);
    }
    const record = recordSchema.safeParse(jsonOrUndefined(content));
    if (record.success) return record.data;
    // Looked at every few seconds while it is open: told once.
    if (!this.unreadable.has(path)) this.log.warn('record cannot be read', { path });
    this.unreadable.add(path);
    return undefined;
  }

  private async guard<Value>(write: () => Promise<Value>): Promise<Value> {
    try {
      return await write();
    } catch (error) {
      throw this.notWritable(error);
    }
  }

  /** Any failure to read or write here, told with the folder. */
  notWritable(cause: unknown): Problem {
    if (cause instanceof Problem) return cause;
    // Somebody removed the folder: the next call makes it anew.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') this.prepared = false;
    return new Problem('state_not_writable', {
      what: `The state folder ${this.folder} cannot be used (${describeFailure(cause)}), and nothing is sent before it is recorded.`,
      cause,
    });
  }
}

function text(record: TaskRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

function jsonOrUndefined(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
