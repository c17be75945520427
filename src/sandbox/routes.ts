/** Which way does a request take through the sandbox: API, file host, controls, or out? */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Credentials } from '../jimeng/signature.ts';
import { type Answer, gatewayAnswer, invalidField } from './answers.ts';
import { changedAnswer, isReplacing, replacingAnswer, sendChanged, withholdAnswer } from './api-faults.ts';
import type { Body, CheckedSubmit } from './check-body.ts';
import { readClip } from './clips.ts';
import { answerControls, CONTROLS_PATH } from './controls.ts';
import { SANDBOX_HEADER, sendAnswer } from './deliver.ts';
import type { ApiFault, FaultPlan } from './faults.ts';
import type { CheckedQuery, Operations } from './operations.ts';
import { type RecordedRequest, type RequestRecorder, singleHeaders } from './recorded-requests.ts';
import { verifySignature } from './verify-signature.ts';
import { hugeSource, serveVideo, sourceOf } from './video.ts';
import { readLink, VIDEO_PATH } from './video-link.ts';

export interface RouteContext {
  readonly credentials: Credentials;
  readonly operations: Operations;
  readonly recorder: RequestRecorder;
  readonly faults: FaultPlan;
  readonly clipsFolder: string;
  readonly now: () => number;
  readonly controls: boolean;
}

const VERSION = '2022-08-31';
const OPERATIONS: ReadonlyMap<string | undefined, 'submit' | 'query'> = new Map([
  ['CVSync2AsyncSubmitTask', 'submit'],
  ['CVSync2AsyncGetResult', 'query'],
]);
/** Two images of 4.7 MB in base64 are 13.2 MB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A web page whose name was bound to 127.0.0.1 has its own name in Host: DNS rebinding. */
function isLoopbackHost(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');
}

/** @returns undefined when it is too long */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    bytes += (chunk as Buffer).length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

/** @returns undefined when a name comes twice: nobody could say which one was signed */
function readQuery(target: URL): Record<string, string> | undefined {
  const entries = [...target.searchParams];
  const query = Object.fromEntries(entries);
  return Object.keys(query).length === entries.length ? query : undefined;
}

function readJsonObject(bytes: Buffer): Body | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

export async function handleRequest(message: IncomingMessage, response: ServerResponse, context: RouteContext) {
  const { recorder, now } = context;
  const target = new URL(message.url ?? '/', 'http://sandbox');
  if (!isLoopbackHost(message.headers.host)) {
    const rejected = recorder.record(message, 'other', now());
    return reply(response, rejected, gatewayAnswer('AccessDenied', now(), 'Host is no loopback name'), context);
  }
  if (context.controls && target.pathname.startsWith(CONTROLS_PATH)) {
    const body = (await readBody(message))?.toString('utf8') ?? '';
    return sendAnswer(
      response,
      answerControls(message.method ?? '', target.pathname, body, {
        faults: context.faults,
        requests: recorder.requests,
        accepted: recorder.accepted,
      }),
    );
  }
  if (target.pathname.startsWith(VIDEO_PATH)) return handleVideo(message, response, context);
  return handleApi(message, response, target, context);
}

/** Sends an answer of the provider, and keeps it with the request. */
function reply(response: ServerResponse, request: RecordedRequest, answer: Answer, { recorder }: RouteContext): void {
  recorder.keepAnswer(request, answer.status, answer.body);
  sendAnswer(response, fromSandbox(answer));
}

function fromSandbox(answer: Answer): Answer {
  return { ...answer, headers: { ...SANDBOX_HEADER, ...answer.headers } };
}

async function handleVideo(message: IncomingMessage, response: ServerResponse, context: RouteContext): Promise<void> {
  const { recorder, now, operations, faults } = context;
  const request = recorder.record(message, 'video', now());
  const method = message.method ?? '';
  const taskId = readLink(message.url ?? '', now(), context.credentials.secretAccessKey);
  const task = taskId === undefined ? undefined : operations.taskOf(taskId);
  request.taskId = taskId;
  if (method !== 'GET' && method !== 'HEAD') {
    return reply(response, request, { status: 405, headers: { allow: 'GET, HEAD' }, body: '' }, context);
  }
  if (!task) {
    const body = '<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>';
    return reply(response, request, { status: 403, headers: { 'content-type': 'application/xml' }, body }, context);
  }
  const fault = faults.takeForVideo(request);
  const clip = await readClip(context.clipsFolder, task);
  const source = fault?.kind === 'huge' ? hugeSource(fault.bytes) : sourceOf(clip, `"${taskId}"`);
  await serveVideo(message, response, source, new Date(task.acceptedAt), fault);
  if (response.headersSent) recorder.keepAnswer(request, response.statusCode, '');
}

async function handleApi(message: IncomingMessage, response: ServerResponse, target: URL, context: RouteContext) {
  const { recorder, now, operations, faults } = context;
  const query = readQuery(target) ?? {};
  const operation = query.Version === VERSION ? OPERATIONS.get(query.Action) : undefined;
  const known = message.method === 'POST' && target.pathname === '/' ? operation : undefined;
  const request = recorder.record(message, known ?? 'other', now());
  const bytes = await readBody(message);
  recorder.keepBody(request, bytes ?? Buffer.alloc(0));
  if (!known) return reply(response, request, gatewayAnswer('InvalidActionOrVersion', now()), context);
  if (!bytes) return reply(response, request, invalidField('body', `over ${MAX_BODY_BYTES} bytes`, now()), context);
  const headers = singleHeaders(message);
  const arrived = { method: 'POST', path: '/', query, headers, body: bytes };
  const unsigned = verifySignature(arrived, context.credentials, now());
  if (unsigned) return reply(response, request, gatewayAnswer(unsigned.code, now(), unsigned.reason), context);
  const limited = operations.limitRequests();
  if (limited) return reply(response, request, limited, context);
  const body = readJsonObject(bytes);
  request.body = body;
  const extra = Object.keys(query).find((name) => name !== 'Action' && name !== 'Version');
  if (extra)
    return reply(response, request, invalidField(extra, 'not a parameter of the query string', now()), context);
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    return reply(response, request, invalidField('Content-Type', 'not application/json', now()), context);
  }
  if (!body) return reply(response, request, invalidField('body', 'not a JSON object in UTF-8', now()), context);
  const checked = known === 'submit' ? operations.checkSubmit(body) : operations.checkQuery(body);
  if ('body' in checked) return reply(response, request, checked, context);
  await answerWithFault(response, request, checked, faults.takeForApi(request), context);
}

/** The provider's own answer to a request that it takes. */
function answerOf(checked: CheckedSubmit | CheckedQuery, request: RecordedRequest, context: RouteContext): Answer {
  const { operations, recorder } = context;
  if ('taskId' in checked) {
    request.taskId = checked.taskId;
    return operations.query(checked);
  }
  request.unknownFields = checked.unknownFields;
  const { answer, taskId } = operations.accept(checked);
  if (taskId !== undefined) recorder.keepAccepted(request, taskId);
  return answer;
}

async function answerWithFault(
  response: ServerResponse,
  request: RecordedRequest,
  checked: CheckedSubmit | CheckedQuery,
  fault: ApiFault | undefined,
  context: RouteContext,
): Promise<void> {
  const { now, recorder } = context;
  if (!fault) return reply(response, request, answerOf(checked, request, context), context);
  if (!isReplacing(fault)) {
    const answer = changedAnswer(fault, answerOf(checked, request, context), now());
    recorder.keepAnswer(request, answer.status, answer.body);
    return sendChanged(response, fault, fromSandbox(answer));
  }
  if (fault.moment === 'after-acceptance') answerOf(checked, request, context);
  const answer = replacingAnswer(fault, now());
  if (!answer) return withholdAnswer(response, fault);
  const ownWords = fault.kind === 'business' || fault.kind === 'gateway';
  recorder.keepAnswer(request, answer.status, answer.body);
  sendAnswer(response, ownWords ? fromSandbox(answer) : answer);
}
