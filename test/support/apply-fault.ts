/** What the client gets when a fault applies to its request. */
import type { ServerResponse } from 'node:http';
import { type Answer, businessAnswer, gatewayAnswer, successAnswer } from '../../src/sandbox/answers.ts';
import { type Exchange, SANDBOX_HEADER, sendAnswer } from '../../src/sandbox/sandbox.ts';
import { readRange } from '../../src/sandbox/video.ts';
import type { ApiFault, ChangingFault, ReplacingFault, VideoFault } from './fault-plan.ts';

const REPLACING_KINDS: readonly string[] = ['business', 'gateway', 'raw', 'html', 'redirect', 'cut', 'never'];

function isReplacing(fault: ApiFault): fault is ReplacingFault {
  return REPLACING_KINDS.includes(fault.kind);
}

/**
 * @param provider accepts a submit, or answers a query
 * @param onAnswer called with what is sent, before it is sent
 */
export async function applyApiFault(
  response: ServerResponse,
  fault: ApiFault,
  provider: () => Promise<Answer>,
  now: number,
  onAnswer: (answer: Answer) => void,
): Promise<void> {
  if (isReplacing(fault)) {
    if (fault.moment === 'after-acceptance') await provider();
    const answer = replacingAnswer(fault, now);
    if (answer === undefined) {
      // `never`: silence until the client or the sandbox goes.
      if (fault.kind === 'cut') cutConnection(response, fault.reset);
      return;
    }
    onAnswer(answer);
    if (fault.kind === 'business' || fault.kind === 'gateway') sendAnswer(response, answer);
    else sendForeign(response, answer);
    return;
  }
  const answer = changedAnswer(fault, await provider(), now);
  onAnswer(answer);
  if (fault.kind === 'slow' && !(await waitUnlessGone(response, fault.milliseconds))) return;
  if (fault.kind === 'held') await fault.until;
  if (fault.kind === 'truncated' && fault.how === 'short-body') sendPart(response, answer, answer.body.length >> 1);
  else sendAnswer(response, answer);
}

/** @returns undefined where the client gets no answer at all */
function replacingAnswer(fault: ReplacingFault, now: number): Answer | undefined {
  switch (fault.kind) {
    case 'business':
      return businessAnswer(fault.code, { now, ...pick(fault, 'message'), ...pick(fault, 'httpStatus') });
    case 'gateway':
      return gatewayAnswer(fault.code, now, undefined, fault.httpStatus);
    case 'raw':
      return { status: fault.status, headers: fault.headers ?? {}, body: fault.body ?? '' };
    case 'html':
      return htmlAnswer(fault.status, fault.body);
    case 'redirect':
      return { status: fault.status ?? 302, headers: { location: fault.location ?? '/elsewhere' }, body: '' };
    case 'cut':
    case 'never':
      return undefined;
  }
}

function pick<T extends object, K extends keyof T>(from: T, name: K): { [P in K]?: Exclude<T[P], undefined> } {
  return from[name] === undefined ? {} : ({ [name]: from[name] } as { [P in K]?: Exclude<T[P], undefined> });
}

function withValueAt(body: Answer['body'], path: string, value: unknown): string {
  const whole = JSON.parse(String(body)) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  let place = whole;
  for (const name of names) place = (place[name] ?? {}) as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return JSON.stringify(whole);
}

/** `slow`, `held` and `truncated: short-body` leave the answer whole and change how it is sent. */
function changedAnswer(fault: ChangingFault, answer: Answer, now: number): Answer {
  const withoutVideo = (status: string) => ({ aigc_meta_tagged: false, status, video_url: '' });
  switch (fault.kind) {
    case 'wrong-type':
      return { ...answer, body: withValueAt(answer.body, fault.path, fault.value) };
    case 'no-task-id':
      return { ...answer, body: withValueAt(answer.body, 'data.task_id', undefined) };
    case 'numeric-task-id':
      return { ...answer, body: String(answer.body).replace(/"task_id":"(\d+)"/, '"task_id":$1') };
    case 'done-without-url':
      return successAnswer(withoutVideo('done'), now);
    case 'done-with-code':
      return businessAnswer(fault.code, { now, data: withoutVideo('done'), ...pick(fault, 'httpStatus') });
    case 'status-word':
      return successAnswer(withoutVideo(fault.word), now);
    case 'escaped-url':
      return { ...answer, body: String(answer.body).replaceAll('&', '\\u0026') };
    case 'truncated':
      return fault.how === 'cut-json'
        ? { ...answer, body: String(answer.body).slice(0, answer.body.length >> 1) }
        : answer;
    case 'slow':
    case 'held':
      return answer;
  }
}

/** The page of a proxy between client and provider. */
function htmlAnswer(status: number, body?: string): Answer {
  const page = `<html>\r\n<head><title>${status}</title></head>\r\n<body><center><h1>${status}</h1></center><hr><center>nginx</center></body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html', server: 'nginx' }, body: body ?? page };
}

export async function applyVideoFault(exchange: Exchange, response: ServerResponse, fault: VideoFault): Promise<void> {
  const { message } = exchange;
  switch (fault.kind) {
    case 'status': {
      const body = fault.body ?? `<Error><Code>${fault.status}</Code></Error>`;
      return sendAnswer(response, { status: fault.status, headers: { 'content-type': 'application/xml' }, body });
    }
    case 'html':
      return sendForeign(response, htmlAnswer(fault.status ?? 200));
    case 'redirect': {
      const location = fault.location ?? message.url ?? '/';
      return sendAnswer(response, { status: fault.status ?? 302, headers: { location }, body: '' });
    }
    case 'huge':
      return sendHuge(response, fault.bytes, message.headers.range);
    case 'no-range': {
      delete message.headers.range;
      const { headers, ...answer } = await exchange.answer();
      const { 'accept-ranges': _, ...others } = headers;
      return sendAnswer(response, { ...answer, headers: others });
    }
    case 'slow':
      if (await waitUnlessGone(response, fault.milliseconds)) sendAnswer(response, await exchange.answer());
      return;
    case 'cut':
      return sendPart(response, await exchange.answer(), fault.atByte);
    case 'stall': {
      const { status, headers, body } = await exchange.answer();
      response.writeHead(status, { ...SANDBOX_HEADER, ...headers, 'content-length': body.length });
      response.flushHeaders();
      if (fault.atByte > 0) response.write(body.slice(0, fault.atByte));
      return;
    }
    case 'wrong-length': {
      const { status, headers, body } = await exchange.answer();
      const declared = Math.max(0, body.length + fault.difference);
      response.shouldKeepAlive = false;
      response.writeHead(status, { ...SANDBOX_HEADER, ...headers, 'content-length': declared });
      response.end(body, () => response.socket?.destroy());
      return;
    }
  }
}

/** An ftyp box (mp42), then an mdat box that continues to the end of the file. */
const MP4_START = Buffer.from('0000001c667479706d703432000000006d70343269736f6d61766331000000006d646174', 'hex');
const CHUNK_BYTES = 64 * 1024;

/** Begins like an MP4 and continues with zeros; never held as a whole. */
async function sendHuge(response: ServerResponse, size: number, rangeHeader: string | undefined): Promise<void> {
  const range = readRange(rangeHeader, size);
  const [start, end] = range === undefined || range === 'unsatisfiable' ? [0, size] : range;
  response.writeHead(range === undefined ? 200 : 206, {
    ...SANDBOX_HEADER,
    'content-type': 'video/mp4',
    'accept-ranges': 'bytes',
    etag: `"huge-${size}"`,
    'content-length': end - start,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  });
  const zeros = Buffer.alloc(CHUNK_BYTES);
  if (start < MP4_START.length) response.write(MP4_START.subarray(start, Math.min(end, MP4_START.length)));
  for (let at = Math.max(start, MP4_START.length); at < end && !response.destroyed; at += CHUNK_BYTES) {
    if (!response.write(zeros.subarray(0, Math.min(CHUNK_BYTES, end - at)))) await drainedOrGone(response);
  }
  response.end();
}

/** Something in between answers, not the sandbox. */
function sendForeign(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

/** The whole Content-Length, some bytes of the body, and a close. */
function sendPart(response: ServerResponse, { status, headers, body }: Answer, bytes: number): void {
  const whole = Buffer.from(body as string);
  response.writeHead(status, { ...SANDBOX_HEADER, ...headers, 'content-length': whole.length });
  response.flushHeaders();
  response.write(whole.subarray(0, bytes), () => response.socket?.destroy());
}

function cutConnection(response: ServerResponse, reset = false): void {
  if (reset) response.socket?.resetAndDestroy();
  else response.socket?.destroy();
}

/** @returns false when the client went away first */
function waitUnlessGone(response: ServerResponse, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (stillThere: boolean) => {
      clearTimeout(timer);
      response.off('close', gone);
      resolve(stillThere);
    };
    const gone = () => finish(false);
    const timer = setTimeout(() => finish(true), milliseconds);
    response.once('close', gone);
  });
}

function drainedOrGone(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      response.off('drain', finish);
      response.off('close', finish);
      resolve();
    };
    response.once('drain', finish);
    response.once('close', finish);
  });
}
