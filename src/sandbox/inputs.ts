/** Keeps what was submitted for a task, so that its clip can show it: in a folder, or else in memory. */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TASK_LIFE_SECONDS } from '../jimeng/modes.ts';

const MAX_IN_MEMORY = 32;

export class InputStore {
  private readonly folder: string | undefined;
  private readonly now: () => number;
  private readonly inMemory = new Map<string, Buffer>();

  /** @param folder made when it is first needed; undefined: in memory, the newest 32 */
  constructor(folder: string | undefined, now: () => number) {
    this.folder = folder;
    this.now = now;
  }

  /** Never throws: without its inputs a clip shows its mode alone. */
  async keep(taskId: string, rawBody: Buffer): Promise<void> {
    if (this.folder === undefined) {
      this.inMemory.set(taskId, rawBody);
      const [oldest] = this.inMemory.keys();
      if (this.inMemory.size > MAX_IN_MEMORY && oldest !== undefined) this.inMemory.delete(oldest);
      return;
    }
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await this.removeExpired(this.folder);
      await writeFile(join(this.folder, `${taskId}.json`), rawBody, { mode: 0o600 });
    } catch {
      // A full or read-only disk.
    }
  }

  /** @returns the submit's body as it arrived */
  async find(taskId: string): Promise<Buffer | undefined> {
    if (this.folder === undefined) return this.inMemory.get(taskId);
    return await readFile(join(this.folder, `${taskId}.json`)).catch(() => undefined);
  }

  private async removeExpired(folder: string): Promise<void> {
    const names = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name));
    for (const name of names) {
      const { mtimeMs } = await stat(join(folder, name));
      if ((this.now() - mtimeMs) / 1000 > TASK_LIFE_SECONDS) await rm(join(folder, name), { force: true });
    }
  }
}
