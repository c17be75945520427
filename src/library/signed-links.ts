/**
 * Makes and checks links to videos of a folder that hosts of a server share. A link names a task, film or join, never a file,
 * and holds until its time. The hosts agree on a key: it is derived from a secret file in that folder.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { errorCode, type FileSystem, makeFolders, nodeFiles } from '../system/files.ts';
import type { FileLink } from './library.ts';

export const LINK_MILLISECONDS = 7 * 24 * 3600_000;
const SECRET_FILE = '.jimeng-video-links.key';
const SECRET_BYTES = 32;
/** Which of a secret's uses this is: another one would have another key. */
const PURPOSE = 'jimeng-video-mcp links to videos, 1';

export interface SignedLinksOptions {
  /** The output folder, the same on all hosts. */
  readonly folder: string;
  /** What links begin with: `https://videos.example.com`, with a path where the server has one. */
  readonly base: URL;
  readonly clock: Clock;
  readonly fs?: FileSystem;
}

export type LinkCheck = 'valid' | 'expired' | 'wrong';

export class SignedLinks {
  private readonly options: SignedLinksOptions;
  private key: Promise<Buffer> | undefined;

  constructor(options: SignedLinksOptions) {
    this.options = options;
  }

  /** @param owner the id of a task, film or join @throws what the system reports of a folder that cannot be used */
  async linkOf(owner: string): Promise<FileLink> {
    const { base, clock } = this.options;
    const seconds = Math.floor((clock.now() + LINK_MILLISECONDS) / 1000);
    const url = new URL(base);
    url.pathname = `${base.pathname.replace(/\/$/, '')}/videos/${encodeURIComponent(owner)}.mp4`;
    url.search = String(new URLSearchParams({ expires: String(seconds), signature: await this.sign(owner, seconds) }));
    return { url: url.href, validUntil: seconds * 1000 };
  }

  /** @param expires and signature as they stand in the link; null where it has none */
  async check(owner: string, expires: string | null, signature: string | null): Promise<LinkCheck> {
    if (expires === null || signature === null || !/^\d{1,12}$/.test(expires)) return 'wrong';
    const expected = Buffer.from(await this.sign(owner, Number(expires)));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong';
    return Number(expires) * 1000 > this.options.clock.now() ? 'valid' : 'expired';
  }

  private async sign(owner: string, seconds: number): Promise<string> {
    this.key ??= this.readKey().catch((error: unknown) => {
      this.key = undefined;
      throw error;
    });
    return createHmac('sha256', await this.key)
      .update(`${owner}\n${seconds}`)
      .digest('base64url');
  }

  private async readKey(): Promise<Buffer> {
    const { folder, fs = nodeFiles } = this.options;
    const path = join(folder, SECRET_FILE);
    await makeFolders(folder, undefined, fs);
    const secret = (await this.readSecret(path, fs)) ?? (await this.makeSecret(path, fs));
    return createHmac('sha256', secret).update(PURPOSE).digest();
  }

  private async readSecret(path: string, fs: FileSystem): Promise<Buffer | undefined> {
    try {
      const secret = Buffer.from((await fs.readFile(path, 'utf8')).trim(), 'hex');
      if (secret.length === SECRET_BYTES) return secret;
      throw new Error(`${path} holds no key: remove it, and links are signed with a new one`);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Written whole under another name first: of several hosts that start together, all read the one that came first. */
  private async makeSecret(path: string, fs: FileSystem): Promise<Buffer> {
    const draft = `${path}-${randomBytes(6).toString('hex')}`;
    await fs.writeFile(draft, `${randomBytes(SECRET_BYTES).toString('hex')}\n`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    try {
      await fs.link(draft, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    } finally {
      await fs.unlink(draft).catch(() => undefined);
    }
    const secret = await this.readSecret(path, fs);
    if (secret === undefined) throw new Error(`${path} cannot be read`);
    return secret;
  }
}
