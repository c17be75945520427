/** A folder for a test's pictures, the rules to read them by, and a worker built for them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ImageBytes, type ImageRules, loadImage } from '../../src/media/image/load.ts';
import { buildImageWorker } from './pictures.ts';

export interface PictureFolder {
  readonly folder: string;
  readonly workerFile: URL;
  readonly rules: ImageRules;
  /** Writes the picture into the folder and loads it. @throws Problem */
  load(fileName: string, bytes: Buffer, more?: Partial<ImageRules>): Promise<ImageBytes>;
  remove(): Promise<void>;
}

/** @param unrestricted as on the command line: a person gives the path */
export async function makePictureFolder(unrestricted: boolean): Promise<PictureFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'pictures-'));
  const workerFile = await buildImageWorker();
  const rules: ImageRules = {
    workingDir: folder,
    imageDirs: undefined,
    outputDir: undefined,
    homeDir: folder,
    unrestricted,
    threads: { workerFile },
  };
  return {
    folder,
    workerFile,
    rules,
    async load(fileName, bytes, more = {}) {
      await writeFile(join(folder, fileName), bytes);
      const image = await loadImage(fileName, 'image', { ...rules, ...more });
      if (image.kind === 'url') throw new Error('a URL');
      return image;
    },
    async remove() {
      await rm(folder, { recursive: true });
      await rm(fileURLToPath(new URL('.', workerFile)), { recursive: true });
    },
  };
}
