/** Where does a program under test keep its things, and which settings point it at a sandbox? */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../../src/jimeng/signature.ts';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/sandbox.ts';

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
      const entries = await readdir(stateDir, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      // The process may be running: a lease that it lets go of this moment is no file of it any more.
      const read = async (path: string) => [path, await readFile(path, 'utf8').catch(goneOrThrow)] as const;
      const texts = await Promise.all(files.map(read));
      return new Map(texts.flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const])));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

function goneOrThrow(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
