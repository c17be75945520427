/** The gallery's server: on loopback only; its link holds a secret that opens it. */
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Library } from '../library/library.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { readAssets } from './assets.ts';
import { FilmApi, type FilmSource } from './film-api.ts';
import { GalleryApi, type GallerySource } from './gallery-api.ts';
import { originOf } from './guard.ts';
import { sendError, sendProblem } from './respond.ts';
import { answer, type GallerySession } from './routes.ts';

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
export function proofOf(secret: string, nonce: string): string {
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
  log.error('a request of the gallery failed', { reason: error instanceof Error ? error.stack : String(error) });
  const { code, message, hint } = new Problem('internal_error');
  sendError(response, 500, { code, message, hint });
}
