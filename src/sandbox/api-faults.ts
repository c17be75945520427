/** What does the client get when a fault hits its submit or query? */
import type { ServerResponse } from 'node:http';
import { type Answer, businessAnswer, gatewayAnswer, htmlAnswer, successAnswer } from './answers.ts';
import { cutConnection, sendAnswer, sendHalf, waitUnlessGone } from './deliver.ts';
import type { ApiFault, ChangingFault, ReplacingFault } from './faults.ts';

const REPLACING_KINDS: readonly string[] = ['business', 'gateway', 'raw', 'html', 'redirect', 'cut', 'never'];

export function isReplacing(fault: ApiFault): fault is ReplacingFault {
  return REPLACING_KINDS.includes(fault.kind);
}

/** @returns undefined where the client gets no answer at all */
export function replacingAnswer(fault: ReplacingFault, now: number): Answer | undefined {
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

/** Ends the exchange without an answer: by a cut, or by silence until the client or the sandbox goes. */
export function withholdAnswer(response: ServerResponse, fault: ReplacingFault): void {
  if (fault.kind === 'cut') cutConnection(response, fault.reset);
}

function withValueAt(body: string, path: string, value: unknown): string {
  const whole = JSON.parse(body) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  let place = whole;
  for (const name of names) place = (place[name] ?? {}) as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return JSON.stringify(whole);
}

/** The answer as the fault leaves it; `slow` and `truncated` leave it whole, and send it otherwise. */
export function changedAnswer(fault: ChangingFault, answer: Answer, now: number): Answer {
  const withoutVideo = (status: string) => ({ aigc_meta_tagged: false, status, video_url: '' });
  switch (fault.kind) {
    case 'wrong-type':
      return { ...answer, body: withValueAt(answer.body, fault.path, fault.value) };
    case 'no-task-id':
      return { ...answer, body: withValueAt(answer.body, 'data.task_id', undefined) };
    case 'numeric-task-id':
      return { ...answer, body: answer.body.replace(/"task_id":"(\d+)"/, '"task_id":$1') };
    case 'done-without-url':
      return successAnswer(withoutVideo('done'), now);
    case 'done-with-code':
      return businessAnswer(fault.code, { now, data: withoutVideo('done'), ...pick(fault, 'httpStatus') });
    case 'status-word':
      return successAnswer(withoutVideo(fault.word), now);
    case 'escaped-url':
      return { ...answer, body: answer.body.replaceAll('&', '\\u0026') };
    case 'truncated':
      return fault.how === 'cut-json' ? { ...answer, body: answer.body.slice(0, answer.body.length >> 1) } : answer;
    case 'slow':
      return answer;
  }
}

/** Sends a changed answer. */
export async function sendChanged(response: ServerResponse, fault: ChangingFault, answer: Answer): Promise<void> {
  if (fault.kind === 'slow' && !(await waitUnlessGone(response, fault.milliseconds))) return;
  if (fault.kind === 'truncated' && fault.how === 'short-body') sendHalf(response, answer);
  else sendAnswer(response, answer);
}
