/** Chooses the frames that a preview shows, and writes its picture where a client does not take pictures. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClipFacts } from './clip.ts';

type Timing = Pick<ClipFacts, 'fps' | 'frames'>;

/** Times in seconds, the first and the last frame among them; of one frame the middle. Pure. */
export function spreadOver({ fps, frames }: Timing, count: number): number[] {
  const last = (frames - 1) / fps;
  return count === 1 ? [last / 2] : Array.from({ length: count }, (_, index) => (last * index) / (count - 1));
}

/** Where one shot of a film ends and the next begins. */
export interface Cut {
  /** The shot after it, counted from 1. */
  readonly shot: number;
  /** When the last frame before it and the first one after it are shown. */
  readonly seconds: readonly [before: number, after: number];
}

/** Where not all cuts fit into `count` frames, some are chosen, spread over the film. Pure. */
export function cutsOf(shotSeconds: readonly number[], { fps, frames }: Timing, count: number): Cut[] {
  let end = 0;
  const cuts = shotSeconds.slice(0, -1).map((seconds, index): Cut => {
    end += seconds;
    const frame = Math.min(frames - 1, Math.max(1, Math.round(end * fps)));
    return { shot: index + 2, seconds: [(frame - 1) / fps, frame / fps] };
  });
  const room = Math.floor(count / 2);
  if (cuts.length <= room) return cuts;
  const step = room === 1 ? 0 : (cuts.length - 1) / (room - 1);
  return Array.from({ length: room }, (_, index) => cuts[Math.round(index * step)] as Cut);
}

/** Writes a picture to a temporary folder of its own. @returns its path @throws what the system throws */
export async function keepPicture(jpeg: Uint8Array): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jimeng-preview-'));
  const file = path.join(folder, 'preview.jpg');
  await writeFile(file, jpeg, { mode: 0o600 });
  return file;
}
