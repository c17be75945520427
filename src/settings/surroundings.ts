/** What the process was started with: the only file that reads the environment. */
import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Undefined: neither the environment nor the user's account names one. */
  readonly homeDir: string | undefined;
  /** Undefined: it was deleted. */
  readonly workingDir: string | undefined;
  readonly platform: NodeJS.Platform;
}

/** Never throws: without a home folder, an account or a working directory the program still starts, and reports it later. */
export function surroundings(): Surroundings {
  return {
    environment: process.env,
    // HOME may be empty or relative, where files would go below the working directory; then the account's own counts.
    homeDir: firstAbsolute(homedir, () => userInfo().homedir),
    workingDir: firstAbsolute(() => process.cwd()),
    platform: process.platform,
  };
}

function firstAbsolute(...sources: readonly (() => string)[]): string | undefined {
  for (const source of sources) {
    try {
      const path = source();
      if (isAbsolute(path)) return path;
    } catch {
      // homedir and userInfo throw for a user without an account, cwd in a deleted folder.
    }
  }
  return undefined;
}

export function searchPathOf({ environment }: Surroundings): string {
  return environment.PATH ?? environment.Path ?? '';
}
