/** Folders and settings for a test's program, which reach nothing else. */
import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../../src/jimeng/signature.ts';

export interface Workspace {
  /** The whole environment of a child process: PATH and what is set here, nothing else of the machine's. */
  readonly env: Record<string, string>;
  /** Holds all the others; also the child's HOME. */
  readonly folder: string;
  /** Not made yet: the program makes it. */
  readonly stateDir: string;
  /** Not made yet: the program makes it. */
  readonly outputDir: string;
  /** Exists, is empty, and is no project: where a command is started. */
  readonly workingDir: string;
  remove(): Promise<void>;
}

/**
 * @param sandbox where the provider is; undefined: no address and no keys are set
 * @param changes to the environment; undefined takes a variable out
 */
export function makeWorkspace(
  sandbox: { readonly url: string; readonly credentials: Credentials } | undefined,
  changes: Readonly<Record<string, string | undefined>> = {},
): Workspace {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'jimeng-workspace-')));
  const [stateDir, outputDir, workingDir] = [join(folder, 'state'), join(folder, 'videos'), join(folder, 'work')];
  mkdirSync(workingDir);
  const settings: Record<string, string | undefined> = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    JIMENG_VIDEO_POLL_INTERVAL: '0.05',
    JIMENG_VIDEO_STATE_DIR: stateDir,
    JIMENG_VIDEO_OUTPUT_DIR: outputDir,
    ...(sandbox === undefined
      ? {}
      : {
          JIMENG_VIDEO_API_URL: sandbox.url,
          VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
          VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
        }),
    ...changes,
  };
  const env = Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  // Retried, because a program that was just killed may still be writing.
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  return { env, folder, stateDir, outputDir, workingDir, remove };
}
