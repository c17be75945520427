/** Records where the gallery of a store runs, so that a second start prints its link instead of opening another one. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { makeFolders, nodeFiles, writeDurably } from '../system/files.ts';
import { withTimeLimit } from '../system/wait.ts';
import { loopbackHost } from './guard.ts';
import { type Gallery, proofOf } from './server.ts';

const ANSWER_MILLISECONDS = 2_000;

export interface RunningGallery {
  readonly link: string;
}

/** One file for each account and service: `gallery-….json` in the state folder, readable by its user only. */
export class GalleryNote {
  private readonly file: string;
  private readonly folder: string;
  private readonly clock: Clock;

  /** @param scope what the gallery shows: the account and the service */
  constructor(stateDir: string, scope: string, clock: Clock) {
    this.folder = stateDir;
    const name = createHash('sha256').update(scope).digest('hex').slice(0, 8);
    this.file = join(stateDir, `gallery-${name}.json`);
    this.clock = clock;
  }

  /** @returns undefined where none runs */
  async find(): Promise<RunningGallery | undefined> {
    try {
      const { origin, secret } = JSON.parse(await nodeFiles.readFile(this.file, 'utf8'));
      const url = URL.parse(String(origin));
      if (url === null || url.protocol !== 'http:' || loopbackHost(url.hostname) === undefined) return undefined;
      // Another program may have the port now: it cannot know the secret, and does not get it.
      const nonce = randomBytes(16).toString('base64url');
      const answer = await withTimeLimit(this.clock, ANSWER_MILLISECONDS, async (signal) => {
        return await (await fetch(`${url.origin}/alive/${nonce}`, { signal, redirect: 'error' })).text();
      });
      return answer === proofOf(String(secret), nonce) ? { link: `${url.origin}/open/${secret}` } : undefined;
    } catch {
      return undefined;
    }
  }

  /** A failure is ignored: the gallery runs without the note. */
  async write({ origin, secret }: Gallery): Promise<void> {
    try {
      await makeFolders(this.folder, 0o700);
      await writeDurably(this.file, JSON.stringify({ origin, secret }), { clock: this.clock });
    } catch {
      // A second start then does not find this gallery, and opens another.
    }
  }

  /** Only what this gallery has written. */
  async remove({ secret }: Gallery): Promise<void> {
    const text = await nodeFiles.readFile(this.file, 'utf8').catch(() => '');
    if (text.includes(secret)) await nodeFiles.unlink(this.file).catch(() => undefined);
  }
}
