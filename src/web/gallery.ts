/** The gallery of the command line: a server on loopback only, whose link holds a secret, and the note of where it runs. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Library } from '../library/library.ts';
import { type Log, stackOf } from '../log.ts';
import { Problem } from '../problems.ts';
import { makeFolders, nodeFiles, writeDurably } from '../system/files.ts';
import { withTimeLimit } from '../system/wait.ts';
import { readAssets } from './assets.ts';
import { FilmApi, type FilmSource } from './film-api.ts';
import { GalleryApi, type GallerySource } from './gallery-api.ts';
import { loopbackHost, originOf } from './guard.ts';
import { noticeOf, sendError, sendProblem } from './respond.ts';
import { answer, type GallerySession } from './routes.ts';

export { loopbackHost } from './guard.ts';

export interface GalleryOptions extends GallerySource {
  readonly library: Pick<Library, 'open' | 'isThere'>;
  readonly films: FilmSource;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where the page's files are. */
  readonly assetFolder: string;
  /** Shows a file in the desktop's file manager. */
  readonly showInFolder: (path: string) => Promise<void>;
  readonly log: Log;
}

export interface Gallery {
  readonly origin: string;
  /** Opens the gallery in a browser, as long as it runs. */
  readonly link: string;
  readonly secret: string;
  /** The same, once: for a program's arguments, which other users of this computer can read. */
  linkForOnce(): string;
  close(): Promise<void>;
}

const newSecret = () => randomBytes(24).toString('base64url');

/** Proves to another start of the command that this server knows the secret. */
function proofOf(secret: string, nonce: string): string {
  return createHmac('sha256', secret).update(nonce).digest('base64url');
}

/** @throws the system's error where it cannot listen there */
export async function openGallery(options: GalleryOptions): Promise<Gallery> {
  const { host, films, log, clock, showInFolder } = options;
  const { page, open: openAssets } = await readAssets(options.assetFolder);
  const [secret, cookie, token] = [newSecret(), newSecret(), newSecret()];
  const onceSecrets = new Set<string>();
  const ending = new AbortController();
  let session: GallerySession | undefined;
  const server = createServer((request, response) => {
    if (session === undefined) return response.destroy();
    answer(request, response, session).catch((error: unknown) => fail(response, error, log));
  });
  server.listen(options.port, host);
  await once(server, 'listening');
  const address = { host, port: (server.address() as AddressInfo).port };
  session = {
    ...{ address, page, openAssets, secret, cookie, token, onceSecrets, showInFolder, clock, ending: ending.signal },
    videos: new GalleryApi(options, token),
    films: new FilmApi(films, options),
    library: options.library,
    proof: (nonce) => proofOf(secret, nonce),
  };
  const origin = originOf(address);
  return {
    ...{ origin, secret },
    link: `${origin}/open/${secret}`,
    linkForOnce() {
      const once = newSecret();
      onceSecrets.add(once);
      return `${origin}/open/${once}`;
    },
    close: () =>
      new Promise((resolve) => {
        ending.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function fail(response: ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent) return void response.destroy();
  if (error instanceof Problem) {
    sendProblem(response, error);
    return;
  }
  log.error('a request of the gallery failed', { reason: stackOf(error) });
  sendError(response, 500, noticeOf(new Problem('internal_error')));
}

/** How long a gallery that is noted may take to prove that it runs: on a busy computer seconds. */
const PROOF_MILLISECONDS = 8_000;

/**
 * Records where the gallery of a store runs, so that a second start prints its link instead of opening another one. One file
 * for each account and service: `gallery-….json` in the state folder, readable by its user only.
 */
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

  /** @returns the link of the one that runs; undefined where none does */
  async find(): Promise<string | undefined> {
    try {
      const { origin, secret } = JSON.parse(await nodeFiles.readFile(this.file, 'utf8'));
      const url = URL.parse(String(origin));
      if (url === null || url.protocol !== 'http:' || loopbackHost(url.hostname) === undefined) return undefined;
      // Another program may have the port now: it cannot know the secret, and does not get it.
      const nonce = randomBytes(16).toString('base64url');
      const answer = await withTimeLimit(this.clock, PROOF_MILLISECONDS, async (signal) => {
        return await (await fetch(`${url.origin}/alive/${nonce}`, { signal, redirect: 'error' })).text();
      });
      return answer === proofOf(String(secret), nonce) ? `${url.origin}/open/${secret}` : undefined;
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
