/** A folder for a test's pictures, the rules to read them by, and a worker built for them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageRules } from '../../src/media/image/load.ts';
import { buildImageWorker } from './pictures.ts';

export interface PictureFolder {
  readonly folder: string;
  readonly workerFile: URL;
  readonly rules: ImageRules;
  remove(): Promise<void>;
}

/** @param unrestricted as on the command line: a person gives the path */
export async function makePictureFolder(unrestricted: boolean): Promise<PictureFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'pictures-'));
  const workerFile = await buildImageWorker();
  return {
    folder,
    workerFile,
    rules: {
      workingDir: folder,
      imageDirs: undefined,
      outputDir: undefined,
      homeDir: folder,
      unrestricted,
      threads: { workerFile },
    },
    async remove() {
      await rm(folder, { recursive: true });
      await rm(fileURLToPath(new URL('.', workerFile)), { recursive: true });
    },
  };
}
