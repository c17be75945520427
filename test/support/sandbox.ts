/** The product's sandbox with what tests need around it: fault plans, a record of what arrived, and small clips. */
import { readFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modeRow } from '../../src/jimeng/modes.ts';
import type { Answer } from '../../src/sandbox/answers.ts';
import { businessAnswer } from '../../src/sandbox/answers.ts';
import { CLIP_SIZES } from '../../src/sandbox/check-image.ts';
import type { SandboxTask } from '../../src/sandbox/identifiers.ts';
import * as product from '../../src/sandbox/sandbox.ts';
import { applyApiFault, applyVideoFault } from './apply-fault.ts';
import { type ApiFault, FaultPlan } from './fault-plan.ts';
import { type AcceptedTask, type RecordedRequest, RequestRecorder } from './recorded-requests.ts';

export { SANDBOX_CREDENTIALS } from '../../src/sandbox/sandbox.ts';

export interface SandboxOptions extends Omit<product.SandboxOptions, 'interfere'> {
  /** req_keys that answer 401/50400, as capabilities that are not opened in the console. */
  readonly closedCapabilities?: readonly string[];
  /** How a query for an unknown task or with another req_key is answered; default `not_found` in data.status and 50215. */
  readonly unknownTask?: 'not_found' | '50215';
  /** Without the header that marks the sandbox: money is reported as the provider's. */
  readonly asProvider?: boolean;
  /** Default `files`: one small clip for each size and length (assets/sandbox-clips); `drawn`: as users get them. */
  readonly clips?: 'files' | 'drawn';
  /** Default 20 000; the oldest go first. */
  readonly maxStoredRequests?: number;
  /** Default 64 MiB of bodies; the oldest go first. */
  readonly maxStoredBodyBytes?: number;
}

export interface Sandbox extends product.Sandbox {
  /** Oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Those of them that submit a task, whatever was answered. @param prompt of these alone */
  submits(prompt?: string): readonly RecordedRequest[];
  /** Every task that exists at the provider, oldest first, with the submit that created it. */
  readonly accepted: readonly AcceptedTask[];
  readonly faults: FaultPlan;
}

/** One clip for each size and length, with B-frames, which drawn ones do not have. */
export const CLIPS_FOLDER = fileURLToPath(new URL('../../assets/sandbox-clips/', import.meta.url));

function readClip({ mode, ratio, frames }: SandboxTask): Promise<Buffer> {
  const { resolution } = modeRow(mode);
  const [width, height] = CLIP_SIZES[resolution === '720P' ? '720P' : '1080P'][ratio];
  return readFile(join(CLIPS_FOLDER, `${width}x${height}-${frames}.mp4`));
}

function withoutMark(response: ServerResponse): void {
  const write = response.writeHead.bind(response);
  response.writeHead = ((status: number, headers: OutgoingHttpHeaders = {}) => {
    const { 'x-jimeng-sandbox': _mark, ...rest } = headers;
    return write(status, rest);
  }) as typeof response.writeHead;
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const {
    closedCapabilities = [],
    unknownTask,
    asProvider,
    clips,
    maxStoredRequests,
    maxStoredBodyBytes,
    ...rest
  } = options;
  const now = options.now ?? Date.now;
  const faults = new FaultPlan();
  const recorder = new RequestRecorder({
    maxStoredRequests: maxStoredRequests ?? 20_000,
    maxStoredBodyBytes: maxStoredBodyBytes ?? 64 * 1024 * 1024,
  });

  const faultFor = (request: RecordedRequest): ApiFault | undefined => {
    const isClosed = closedCapabilities.includes(String(request.body?.req_key));
    return isClosed ? { kind: 'business', code: 50400 } : faults.takeForApi(request);
  };

  const sandbox = await product.startSandbox({
    ...(clips === 'drawn' ? {} : { makeClip: ({ task }) => readClip(task) }),
    ...rest,
    async interfere(exchange, response) {
      if (asProvider) withoutMark(response);
      const request = recorder.record(exchange, now());
      const keep = (answer: Answer) => {
        const text = typeof answer.body === 'string' ? answer.body : '';
        recorder.keepAnswer(request, answer.status, text);
      };
      const provider = async () => {
        const answer = await exchange.answer();
        if (answer.acceptedTaskId !== undefined) recorder.keepAccepted(request, answer.acceptedTaskId);
        const isUnknown = String(answer.body).includes('"status":"not_found"');
        return isUnknown && unknownTask === '50215' ? businessAnswer(50215, { now: now() }) : answer;
      };
      if (exchange.operation === 'video') {
        const fault = exchange.isRefused ? undefined : faults.takeForVideo(request);
        if (fault === undefined) {
          const answer = await exchange.answer();
          keep(answer);
          product.sendAnswer(response, answer);
          return true;
        }
        await applyVideoFault(exchange, response, fault);
        if (response.headersSent) recorder.keepAnswer(request, response.statusCode, '');
        return true;
      }
      const fault = exchange.isRefused ? undefined : faultFor(request);
      if (fault !== undefined) {
        await applyApiFault(response, fault, provider, now(), keep);
        return true;
      }
      const answer = await provider();
      keep(answer);
      product.sendAnswer(response, answer);
      return true;
    },
  });
  const submits = (prompt?: string) =>
    recorder.requests.filter(
      ({ operation, body }) => operation === 'submit' && (prompt === undefined || body?.prompt === prompt),
    );
  return { ...sandbox, requests: recorder.requests, submits, accepted: recorder.accepted, faults };
}
