/** Folders for a program under test, and the settings that point it at a sandbox. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../../src/jimeng/signature.ts';
import { SANDBOX_CREDENTIALS } from './sandbox.ts';

export type Environment = Readonly<Record<string, string>>;

export interface Workspace {
  readonly folder: string;
  readonly stateDir: string;
  readonly outputDir: string;
  /** Settings for a program that asks this sandbox every 50 ms; nothing waits for a slot. */
  environment(apiUrl: string, credentials?: Credentials): Environment;
  /** Every file of the state folder: path → text. */
  readState(): Promise<Map<string, string>>;
  remove(): Promise<void>;
}

/** A new temporary folder; the folders inside it are not made yet. */
export async function makeWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-test-'));
  const stateDir = join(folder, 'state');
  const outputDir = join(folder, 'videos');
  return {
    folder,
    stateDir,
    outputDir,
    environment: (apiUrl, credentials = SANDBOX_CREDENTIALS) => ({
      JIMENG_VIDEO_API_URL: apiUrl,
      JIMENG_VIDEO_STATE_DIR: stateDir,
      JIMENG_VIDEO_OUTPUT_DIR: outputDir,
      JIMENG_VIDEO_POLL_INTERVAL: '0.05',
      JIMENG_VIDEO_CONCURRENCY: '100',
      VOLC_ACCESSKEY: credentials.accessKeyId,
      VOLC_SECRETKEY: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { VOLC_SESSION_TOKEN: credentials.sessionToken }),
      LOG_LEVEL: 'warn',
    }),
    async readState() {
      for (let round = 1; ; round++) {
        try {
          const entries = await readdir(stateDir, { recursive: true, withFileTypes: true });
          const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
          return new Map(await Promise.all(files.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
        } catch (error) {
          // The process may be running: a file that moved or vanished between its name and its text is searched again.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || round === 50) throw error;
        }
      }
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}
