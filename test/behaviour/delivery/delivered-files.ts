/** Reads the folder that a video was delivered to, and compares it with the provider's clip. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clip } from '../../support/clips.ts';

export { clip };

/** A pixel size and a number of frames: `1248x704-121` is what the sandbox makes of 5 s of t2v_720p. */
export type ClipName = Parameters<typeof clip>[0];

async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

export interface Found {
  /** Hidden ones as well: a .part is one. */
  readonly names: readonly string[];
  /** Of every .mp4. */
  readonly hashes: readonly string[];
}

/** A folder that is not there holds nothing. */
export async function lookInto(folder: string): Promise<Found> {
  const names = await readdir(folder).catch(() => []);
  const videos = names.filter((name) => name.endsWith('.mp4'));
  return { names, hashes: await Promise.all(videos.map((name) => sha256Of(join(folder, name)))) };
}

/** One file, whole, and nothing beside it. */
export async function holdsOnly(folder: string, made: ClipName): Promise<boolean> {
  const { names, hashes } = await lookInto(folder);
  return names.length === 1 && hashes.length === 1 && hashes[0] === (await sha256Of(clip(made)));
}
