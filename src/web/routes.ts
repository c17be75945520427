/** Answers a request of the gallery's page: its path decides what it is about, and its method what may be done. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Library } from '../library/library.ts';
import { Problem } from '../problems.ts';
import type { Asset } from './assets.ts';
import { sendChanges } from './changes.ts';
import type { FilmApi } from './film-api.ts';
import type { GalleryApi } from './gallery-api.ts';
import { type Address, cookieName, isSameSecret, judge } from './guard.ts';
import { ENTRY_PAGE, LOCKED_PAGE } from './plain-pages.ts';
import { send, sendError, sendJson } from './respond.ts';
import { isSavedThere, isStored, openSaved, openVideo, sendVideo } from './video-file.ts';

export interface GallerySession {
  readonly address: Address;
  readonly videos: GalleryApi;
  readonly films: FilmApi;
  readonly library: Pick<Library, 'open' | 'isThere'>;
  readonly page: Asset;
  readonly openAssets: ReadonlyMap<string, Asset>;
  /** Of the link that is printed. */
  readonly secret: string;
  /** Of links that work once. */
  readonly onceSecrets: Set<string>;
  readonly cookie: string;
  readonly token: string;
  /** @returns what another start of the command compares */
  readonly proof: (nonce: string) => string;
  readonly showInFolder: (path: string) => Promise<void>;
  readonly clock: Clock;
  readonly ending: AbortSignal;
}

/** What both galleries' pages need. */
export interface PageSession
  extends Pick<GallerySession, 'videos' | 'films' | 'library' | 'page' | 'token' | 'clock' | 'ending'> {
  /** Absent where the page is shown on another computer. */
  readonly showInFolder?: (path: string) => Promise<void>;
}

/** One request, after its origin was judged. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly isReading: boolean;
  readonly path: string;
  /** The first part of the path. */
  readonly root: string;
  /** `/api/videos/ID/cancel` → `videos`, `ID`, `cancel`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

const HTML = 'text/html; charset=utf-8';
const TEXT = 'text/plain; charset=utf-8';

export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  session: GallerySession,
): Promise<void> {
  const judged = judge(request, session.address, session.cookie);
  if (judged.status !== 200) return send(response, judged.status, TEXT, judged.reason);
  const { path, query, isTrusted, isOwnPage } = judged;
  const asked = askedFor(request, response, path, query);
  if (asked.isReading && answerAnybody(asked, session)) return;
  if (!isTrusted) return send(response, 401, HTML, LOCKED_PAGE);
  await answerTrusted(asked, isOwnPage, session);
}

/** @param path below the gallery's own */
export function askedFor(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
): Asked {
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  const [root = '', ...parts] = path.slice(1).split('/');
  return { request, response, isReading, path, root, parts, query };
}

/** @param isOwnPage the request comes from a page of this server */
export async function answerTrusted(asked: Asked, isOwnPage: boolean, session: PageSession): Promise<void> {
  const { request, response, isReading, path, root } = asked;
  if (isReading && path === '/') return send(response, 200, session.page.type, session.page.bytes);
  if (!isOwnPage) return notAllowed(response, 'Only the gallery’s own page may do this.');
  if (root === 'files' && isReading) return await sendFile(asked, session);
  if (root !== 'api') return notFound(response);
  if (isReading) return await read(asked, session);
  if (request.method !== 'POST') {
    return sendError(response, 405, notice('method', 'This method is not offered.'), { allow: 'GET, HEAD, POST' });
  }
  const token = request.headers['x-gallery-token'];
  if (typeof token !== 'string' || !isSameSecret(token, session.token)) {
    return notAllowed(response, 'The page’s token is missing or wrong.');
  }
  await act(asked, session);
}

/** What needs no cookie. @returns whether it was that */
function answerAnybody({ response, path, root, parts: [code = '', ...more] }: Asked, session: GallerySession) {
  const asset = session.openAssets.get(path);
  if (root === 'open' && more.length === 0) enter(response, code, session);
  else if (root === 'alive' && more.length === 0) send(response, 200, TEXT, session.proof(code));
  else if (asset !== undefined) send(response, 200, asset.type, asset.bytes);
  else return false;
  return true;
}

/** Not a redirect: a browser that comes from another site's link sends no strict cookie on the way. */
function enter(response: ServerResponse, code: string, session: GallerySession): void {
  const isRight = isSameSecret(code, session.secret) || session.onceSecrets.delete(code);
  const cookie = `${cookieName(session.address)}=${session.cookie}; Path=/; HttpOnly; SameSite=Strict`;
  const [status, page] = isRight ? [200, ENTRY_PAGE] : [401, LOCKED_PAGE];
  send(response, status, HTML, page, isRight ? { 'set-cookie': cookie } : {});
}

async function read({ request, response, path, parts, query }: Asked, session: PageSession): Promise<void> {
  const { videos, films, clock, ending } = session;
  if (path === '/api/overview') return sendJson(response, await videos.overview());
  if (path === '/api/videos') return sendJson(response, await videos.page(query, films));
  if (path === '/api/films') return sendJson(response, await films.list());
  if (path === '/api/changes') {
    return await sendChanges(request, response, { changed: (signal) => videos.changed(signal), clock, ending });
  }
  const [kind, id = '', ...more] = parts;
  const known = more.length === 0 ? (kind === 'videos' ? videos : kind === 'films' ? films : undefined) : undefined;
  const detail = await known?.detail(id);
  if (detail === undefined) return notFound(response);
  sendJson(response, detail);
}

async function act({ response, parts: [kind, id = '', action, ...more] }: Asked, session: PageSession): Promise<void> {
  const { videos, films, showInFolder } = session;
  const known = more.length === 0 ? (kind === 'videos' ? videos : kind === 'films' ? films : undefined) : undefined;
  if (known !== undefined && action === 'cancel') {
    const isWithdrawn = await known.cancel(id);
    if (isWithdrawn === undefined) return notFound(response);
    if (!isWithdrawn) return sendError(response, 409, notice('not_queued', 'Only a queued request can be cancelled.'));
    return sendJson(response, {});
  }
  if (known === undefined || showInFolder === undefined || action !== 'folder') return notFound(response);
  const path = (await known.fileOf(id))?.path;
  const handle = path === undefined ? undefined : await openVideo(path);
  await handle?.close();
  if (path === undefined || handle === undefined) return notFound(response);
  await showInFolder(path);
  sendJson(response, {});
}

async function sendFile({ request, response, parts: [name = '', ...more] }: Asked, session: PageSession) {
  const id = name.replace(/\.mp4$/, '');
  const isName = id !== name && more.length === 0;
  const file = isName ? ((await session.films.fileOf(id)) ?? (await session.videos.fileOf(id))) : undefined;
  const video = file && (await openSaved(file, session.library));
  if (file === undefined || video === undefined) return notFound(response);
  try {
    await sendVideo(video, request, response);
  } catch (cause) {
    if (!(await isSavedThere(file.path, session.library))) return notFound(response);
    if (!isStored(file.path)) throw cause;
    const what = 'The storage of the videos does not answer now.';
    throw new Problem('save_failed', {
      code: 'storage_unavailable',
      what,
      hint: 'open the video again in a minute',
      cause,
    });
  }
}

const notice = (code: string, message: string) => ({ code, message, hint: 'go back to the gallery' });

function notFound(response: ServerResponse): void {
  sendError(response, 404, notice('not_found', 'There is nothing here.'));
}

function notAllowed(response: ServerResponse, reason: string): void {
  sendError(response, 403, notice('not_allowed', reason));
}
