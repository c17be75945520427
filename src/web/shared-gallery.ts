/** The gallery of the shared server, below `/gallery/`: for each person their own, behind their token. */
import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { RemoteCaller } from '../library/library.ts';
import { Problem } from '../problems.ts';
import type { Assets } from './assets.ts';
import { cookiesOf } from './guard.ts';
import { SIGN_IN_PAGE, unavailablePage, WRONG_TOKEN_PAGE } from './plain-pages.ts';
import { HEADERS, send, sendProblem } from './respond.ts';
import { type Asked, answerTrusted, askedFor, type PageSession } from './routes.ts';

type Opened = Pick<PageSession, 'videos' | 'films' | 'library'>;

export interface SharedGallery {
  readonly assets: () => Promise<Assets>;
  /** @returns undefined for a token that is not, or no longer, let in @throws Problem where that cannot be known now */
  readonly identify: (token: string | undefined) => Promise<RemoteCaller | undefined>;
  /** What one person sees. @param token that the page sends with each change */
  readonly open: (caller: RemoteCaller, token: string) => Promise<Opened>;
  /** What a person may know of a problem; all of it is logged. */
  readonly shownTo: (caller: RemoteCaller, problem: Problem) => Problem;
  readonly readBody: (request: IncomingMessage) => Promise<Buffer>;
  /** Of the tokens that the page sends. */
  readonly key: Uint8Array;
  /** Clients reach the server by HTTPS. */
  readonly isSecure: boolean;
  /** What stands before `/gallery` in the address that clients use. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly ending: AbortSignal;
}

const ROOT = '/gallery';
const COOKIE = 'jimeng-gallery';
/** A token of an authorization server has a few kB. */
const MAX_FORM_BYTES = 16_384;
const HTML = 'text/html; charset=utf-8';
/** The form of the sign-in page is sent to this server; with `no-referrer`, a browser would send it with `Origin: null`. */
const WITH_FORM = {
  'referrer-policy': 'same-origin',
  'content-security-policy': HEADERS['content-security-policy'].replace("form-action 'none'", "form-action 'self'"),
};

/** @returns whether the address is one of the gallery */
export async function answerSharedGallery(
  request: IncomingMessage,
  response: ServerResponse,
  gallery: SharedGallery,
): Promise<boolean> {
  const url = URL.parse(request.url ?? '', 'http://server');
  if (url === null || (url.pathname !== ROOT && !url.pathname.startsWith(`${ROOT}/`))) return false;
  const path = url.pathname.slice(ROOT.length);
  const isPage = path === '/' || path === '/sign-in';
  try {
    if (path === '') send(response, 308, HTML, '', { location: `${gallery.prefix}${ROOT}/` });
    else if (path === '/sign-in' && request.method === 'POST') await signIn(request, response, gallery);
    else await answerPage(askedFor(request, response, path, url.searchParams), gallery);
  } catch (error) {
    if (!(error instanceof Problem) || response.headersSent) throw error;
    sendProblem(response, error, isPage ? unavailablePage : undefined);
  }
  return true;
}

async function answerPage(asked: Asked, gallery: SharedGallery): Promise<void> {
  const { request, response, path, isReading } = asked;
  const { page, open } = await gallery.assets();
  const asset = open.get(path);
  if (isReading && asset !== undefined) return send(response, 200, asset.type, asset.bytes);
  const [, given] = cookiesOf(request.headers.cookie).find(([name]) => name === COOKIE) ?? [];
  const caller = await gallery.identify(tokenOf(given));
  if (caller === undefined) return send(response, 401, HTML, SIGN_IN_PAGE, WITH_FORM);
  const token = createHmac('sha256', gallery.key).update(`gallery of ${caller.person}`).digest('base64url');
  const { clock, ending } = gallery;
  try {
    const opened = await gallery.open(caller, token);
    await answerTrusted(asked, isOwnPage(request, isReading), { ...opened, page, token, clock, ending });
  } catch (error) {
    throw error instanceof Problem ? gallery.shownTo(caller, error) : error;
  }
}

/** @returns undefined for what this server has not set */
function tokenOf(cookie: string | undefined): string | undefined {
  try {
    return cookie === undefined ? undefined : decodeURIComponent(cookie);
  } catch {
    return undefined;
  }
}

/** Host and Origin were checked: what is left is where the browser says that a request comes from. */
function isOwnPage({ headers }: IncomingMessage, isReading: boolean): boolean {
  const site = headers['sec-fetch-site'];
  if (headers.origin !== undefined) return site === undefined || site === 'same-origin';
  return isReading && (site === undefined || site === 'same-origin' || site === 'none');
}

/** The cookie is the token itself: it ends when the token does, on every host. */
async function signIn(request: IncomingMessage, response: ServerResponse, gallery: SharedGallery): Promise<void> {
  // The sender is not authenticated yet.
  if (!(Number(request.headers['content-length']) <= MAX_FORM_BYTES))
    return send(response, 413, HTML, WRONG_TOKEN_PAGE, WITH_FORM);
  const form = new URLSearchParams((await gallery.readBody(request)).toString('utf8'));
  const token = form.get('token')?.trim() ?? '';
  if (!/^[\x21-\x7e]{1,8000}$/.test(token) || (await gallery.identify(token)) === undefined) {
    return send(response, 401, HTML, WRONG_TOKEN_PAGE, WITH_FORM);
  }
  const attributes = `Path=${gallery.prefix}${ROOT}; HttpOnly; SameSite=Strict${gallery.isSecure ? '; Secure' : ''}`;
  send(response, 303, HTML, '', {
    'set-cookie': `${COOKIE}=${encodeURIComponent(token)}; ${attributes}`,
    location: `${gallery.prefix}${ROOT}/`,
  });
}
