/**
 * Finds the file of a join by its id. A join has no record: where each one is saved is noted in the folder that the hosts
 * share, for as long as its link works.
 */
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Clock } from '../clock.ts';
import { LINK_MILLISECONDS } from '../library/signed-links.ts';
import { makeFolders, nodeFiles } from '../system/files.ts';

const NOTES_FOLDER = '.jimeng-video-joins';

export class JoinedVideos {
  private readonly outputDir: string;
  private readonly clock: Clock;

  constructor(outputDir: string, clock: Clock) {
    this.outputDir = outputDir;
    this.clock = clock;
  }

  /** @throws Error for a file outside the folder; what the system reports */
  async keep(id: string, path: string): Promise<void> {
    const inside = relative(await nodeFiles.realpath(this.outputDir), path);
    if (!isInside(inside)) throw new Error(`${path} is not in the output folder`);
    const notes = join(this.outputDir, NOTES_FOLDER);
    await makeFolders(notes);
    await this.removeOld(notes);
    await nodeFiles.writeFile(join(notes, id), inside.replaceAll(sep, '/'), { mode: 0o600, flag: 'wx', flush: true });
  }

  /** @param id one that `isJoinId` takes @returns undefined where none is known */
  async pathOf(id: string): Promise<string | undefined> {
    const note = join(this.outputDir, NOTES_FOLDER, id);
    const inside = await nodeFiles.readFile(note, 'utf8').catch(() => undefined);
    return inside !== undefined && isInside(inside) ? join(this.outputDir, inside) : undefined;
  }

  /** Their links have expired. */
  private async removeOld(notes: string): Promise<void> {
    for (const name of await nodeFiles.readdir(notes).catch(() => [])) {
      const note = join(notes, name);
      const found = await nodeFiles.stat(note).catch(() => undefined);
      if (found === undefined || this.clock.now() - found.mtimeMs < LINK_MILLISECONDS) continue;
      await nodeFiles.unlink(note).catch(() => undefined);
    }
  }
}

function isInside(path: string): boolean {
  return path !== '' && !isAbsolute(path) && !path.split(/[\\/]/).includes('..');
}
