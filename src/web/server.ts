/** The gallery's server: on loopback only, for whoever has the secret of its link. */
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { type Asset, readAssets } from './assets.ts';
import { sendChanges } from './changes.ts';
import { GalleryApi, type GallerySource } from './gallery-api.ts';
import { type Address, cookieName, isSameSecret, judge, originOf } from './guard.ts';
import { ENTRY_PAGE, LOCKED_PAGE } from './plain-pages.ts';
import { send, sendError, sendJson } from './respond.ts';
import { openVideo, sendVideo } from './video-file.ts';

export interface GalleryOptions extends GallerySource {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where the page's files are. */
  readonly assetFolder: string;
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

/** What another start of the command compares: only the holder of the secret can answer it. */
export function proofOf(secret: string, nonce: string): string {
  return createHmac('sha256', secret).update(nonce).digest('base64url');
}

interface Session {
  readonly address: Address;
  readonly api: GalleryApi;
  readonly page: Asset;
  readonly openAssets: ReadonlyMap<string, Asset>;
  readonly secret: string;
  readonly cookie: string;
  readonly token: string;
  readonly onceSecrets: Set<string>;
  readonly ending: AbortSignal;
  readonly options: GalleryOptions;
}

/** @throws the system's error where it cannot listen there */
export async function openGallery(options: GalleryOptions): Promise<Gallery> {
  const { page, open: openAssets } = await readAssets(options.assetFolder);
  const [secret, cookie, token] = [newSecret(), newSecret(), newSecret()];
  const onceSecrets = new Set<string>();
  const ending = new AbortController();
  const api = new GalleryApi(options, token);
  let session: Session | undefined;
  const server = createServer((request, response) => {
    if (session === undefined) return response.destroy();
    answer(request, response, session).catch((error: unknown) => failed(response, error, options.log));
  });
  await listen(server, options);
  const address = { host: options.host, port: (server.address() as AddressInfo).port };
  session = {
    ...{ address, api, page, openAssets, secret, cookie, token, onceSecrets, ending: ending.signal, options },
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

async function answer(request: IncomingMessage, response: ServerResponse, session: Session): Promise<void> {
  const judged = judge(request, session.address, session.cookie);
  if (judged.status !== 200) return send(response, judged.status, 'text/plain; charset=utf-8', judged.reason);
  const { path, query, isTrusted, isOwnPage } = judged;
  const [, first = '', second = '', third = ''] = path.split('/');
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (isReading && path === `/open/${second}`) return enter(response, second, session);
  if (isReading && path === `/alive/${second}`) {
    return send(response, 200, 'text/plain; charset=utf-8', proofOf(session.secret, second));
  }
  const asset = isReading ? session.openAssets.get(path) : undefined;
  if (asset !== undefined) return send(response, 200, asset.type, asset.bytes);
  if (!isTrusted) return send(response, 401, 'text/html; charset=utf-8', LOCKED_PAGE);
  if (isReading && path === '/') return send(response, 200, session.page.type, session.page.bytes);
  if (!isOwnPage) return notAllowed(response, 'Only the gallery’s own page may do this.');
  if (first === 'files' && isReading) return await sendFile(request, response, second, session);
  if (first !== 'api') return notFound(response);
  if (isReading) return await read(request, response, path, query, session);
  if (request.method !== 'POST') {
    return sendError(response, 405, notice('method', 'This method is not offered.'), { allow: 'GET, HEAD, POST' });
  }
  const token = request.headers['x-gallery-token'];
  if (typeof token !== 'string' || !isSameSecret(token, session.token)) {
    return notAllowed(response, 'The page’s token is missing or wrong.');
  }
  if (second !== 'videos') return notFound(response);
  const [, , , , action] = path.split('/');
  return await act(response, third, action, session);
}

/** Not a redirect: a browser that comes from another site's link sends no strict cookie on the way. */
function enter(response: ServerResponse, code: string, session: Session): void {
  const isRight = isSameSecret(code, session.secret) || session.onceSecrets.delete(code);
  const [status, page] = isRight ? [200, ENTRY_PAGE] : [401, LOCKED_PAGE];
  const cookie = `${cookieName(session.address)}=${session.cookie}; Path=/; HttpOnly; SameSite=Strict`;
  send(response, status, 'text/html; charset=utf-8', page, isRight ? { 'set-cookie': cookie } : {});
}

async function read(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
  { api, ending, options }: Session,
): Promise<void> {
  const [, , , id, more] = path.split('/');
  if (path === '/api/overview') return sendJson(response, await api.overview());
  if (path === '/api/videos') return sendJson(response, await api.page(query));
  if (path === '/api/changes') {
    const { clock } = options;
    return await sendChanges(request, response, { changed: (signal) => api.changed(signal), clock, ending });
  }
  const detail = path.startsWith('/api/videos/') && id && more === undefined ? await api.video(id) : undefined;
  if (detail === undefined) return notFound(response);
  sendJson(response, detail);
}

async function act(response: ServerResponse, id: string, action: string | undefined, session: Session): Promise<void> {
  const { api } = session;
  if (action === 'cancel') {
    const isWithdrawn = await api.cancel(id);
    if (isWithdrawn === undefined) return notFound(response);
    if (!isWithdrawn) return sendError(response, 409, notice('not_queued', 'Only a queued request can be cancelled.'));
    return sendJson(response, {});
  }
  if (action !== 'folder') return notFound(response);
  const path = await api.pathOf(id);
  const handle = path === undefined ? undefined : await openVideo(path);
  await handle?.close();
  if (path === undefined || handle === undefined) return notFound(response);
  await api.showInFolder(path);
  sendJson(response, {});
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  { api }: Session,
): Promise<void> {
  const id = name.replace(/\.mp4$/, '');
  const path = id === name ? undefined : await api.pathOf(id);
  const handle = path === undefined ? undefined : await openVideo(path);
  if (handle === undefined) return notFound(response);
  await sendVideo(handle, request, response);
}

function failed(response: ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent) return void response.destroy();
  const problem = error instanceof Problem ? error : new Problem('internal_error');
  if (problem !== error) {
    log.error('a request of the gallery failed', { reason: error instanceof Error ? error.stack : String(error) });
  }
  const status = problem.code === 'invalid_input' ? 400 : problem === error ? 503 : 500;
  sendError(response, status, { code: problem.code, message: problem.message, hint: problem.hint });
}

const notice = (code: string, message: string) => ({ code, message, hint: 'go back to the gallery' });

function notFound(response: ServerResponse): void {
  sendError(response, 404, notice('not_found', 'There is nothing here.'));
}

function notAllowed(response: ServerResponse, reason: string): void {
  sendError(response, 403, notice('not_allowed', reason));
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
