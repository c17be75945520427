/** Answers `/videos/ID.mp4?expires=…&signature=…` of the shared server: the link is the permission, and names no file. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';
import type { SignedLinks } from '../library/signed-links.ts';
import { send } from './respond.ts';
import { openVideo, sendVideo } from './video-file.ts';

export interface SharedVideos {
  readonly links: Pick<SignedLinks, 'check'>;
  /** Whose video it is was decided when the link was made. @returns undefined for what has no saved video */
  readonly pathOf: (owner: string) => Promise<string | undefined>;
}

const TEXT = 'text/plain; charset=utf-8';
const ADDRESS = /\/videos\/([A-Za-z0-9-]{1,80})\.mp4$/;

/** @returns whether the address is one of a video: any other is not answered */
export async function answerVideo(
  request: IncomingMessage,
  response: ServerResponse,
  { links, pathOf }: SharedVideos,
): Promise<boolean> {
  const url = URL.parse(request.url ?? '', 'http://server');
  const owner = ADDRESS.exec(url?.pathname ?? '')?.[1];
  if (url === null || owner === undefined) return false;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, TEXT, 'Videos can be read only.', { allow: 'GET, HEAD' });
    return true;
  }
  const checked = await links.check(owner, url.searchParams.get('expires'), url.searchParams.get('signature'));
  if (checked === 'wrong') send(response, 403, TEXT, 'This link is not valid: ask for the video again.');
  if (checked === 'expired') send(response, 410, TEXT, 'This link has expired: ask for the video again.');
  if (checked !== 'valid') return true;
  const path = await pathOf(owner);
  const file = path === undefined ? undefined : await openVideo(path);
  if (path === undefined || file === undefined) {
    send(response, 404, TEXT, 'The video is no longer here.');
    return true;
  }
  response.setHeader('content-disposition', `inline; filename*=UTF-8''${encodeURIComponent(basename(path))}`);
  // The whole rest: a client that resumes a download takes a shorter answer for all that is left.
  await sendVideo(file, request, response, Number.POSITIVE_INFINITY);
  return true;
}
