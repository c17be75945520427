/** Which file does the sandbox deliver for a task, and where are these files? */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLIP_SIZES, modeRow } from '../jimeng/modes.ts';
import type { SandboxTask } from './task-id.ts';

/** Beside the bundle, or in the sources. */
const PLACES = ['./sandbox-clips/', '../../assets/sandbox-clips/'];

function clipName({ mode, ratio, frames }: Pick<SandboxTask, 'mode' | 'ratio' | 'frames'>): string {
  const { resolution } = modeRow(mode);
  const [width, height] = CLIP_SIZES[resolution === '720P' ? '720P' : '1080P'][ratio];
  return `${width}x${height}-${frames}.mp4`;
}

/** @throws Error when the package was put together without its clips */
export function findClipsFolder(): string {
  const folders = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = folders.find((folder) => existsSync(folder));
  if (found === undefined) throw new Error(`The sandbox's clips are in none of ${folders.join(', ')}.`);
  return found;
}

/** At most 30 kB. */
export function readClip(folder: string, task: SandboxTask): Promise<Buffer> {
  return readFile(join(folder, clipName(task)));
}
