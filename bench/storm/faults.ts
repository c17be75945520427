/** Draws from a seed what goes wrong in a storm, at which answer, so that a run can be repeated. */
import type { ApiFault, FaultRule, VideoFault } from '../../test/support/fault-plan.ts';
import type { RecordedRequest } from '../../test/support/recorded-requests.ts';
import type { Sandbox } from '../../test/support/sandbox.ts';

/** mulberry32: small, and good enough to choose faults. @returns 0 ≤ x < 1 */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ANY: readonly ApiFault[] = [
  { kind: 'cut' },
  { kind: 'cut', reset: true },
  { kind: 'slow', milliseconds: 400 },
  { kind: 'html', status: 502 },
  { kind: 'html', status: 403 },
  { kind: 'html', status: 200 },
  { kind: 'redirect' },
  { kind: 'business', code: 50500 },
  { kind: 'business', code: 50501 },
  { kind: 'business', code: 50429 },
  { kind: 'gateway', code: 'FlowLimitExceeded' },
  { kind: 'gateway', code: 'InternalServiceTimeout' },
  { kind: 'gateway', code: 'ServiceUnavailableTemp' },
  { kind: 'truncated', how: 'short-body' },
  { kind: 'truncated', how: 'cut-json' },
  { kind: 'wrong-type', path: 'code', value: { a: 1 } },
  { kind: 'wrong-type', path: 'code', value: 'garbled' },
  { kind: 'wrong-type', path: 'code', value: 0 },
  { kind: 'wrong-type', path: 'data', value: [] },
  { kind: 'raw', status: 200, body: '' },
];

/** The answer is lost or garbled after the provider has taken the task. */
const SUBMIT: readonly ApiFault[] = [
  { kind: 'cut', moment: 'after-acceptance' },
  { kind: 'never', moment: 'after-acceptance' },
  { kind: 'html', status: 504, moment: 'after-acceptance' },
  { kind: 'business', code: 50500, moment: 'after-acceptance' },
  { kind: 'no-task-id' },
  { kind: 'numeric-task-id' },
  { kind: 'wrong-type', path: 'data.task_id', value: { id: 1 } },
  { kind: 'business', code: 50430 },
];

const QUERY: readonly ApiFault[] = [
  { kind: 'never' },
  { kind: 'business', code: 50400 },
  { kind: 'gateway', code: 'InvalidTimestamp' },
  { kind: 'status-word', word: 'not_found' },
  { kind: 'status-word', word: 'reviewing' },
  { kind: 'wrong-type', path: 'data.status', value: 7 },
  { kind: 'wrong-type', path: 'data.video_url', value: { url: 'x' } },
  { kind: 'wrong-type', path: 'data.video_url', value: 7 },
  { kind: 'escaped-url' },
];

const VIDEO: readonly VideoFault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 403 },
  { kind: 'html' },
  { kind: 'cut', atByte: 3000 },
  { kind: 'slow', milliseconds: 300 },
  { kind: 'no-range' },
  { kind: 'wrong-length', difference: 100 },
  { kind: 'wrong-length', difference: -100 },
  { kind: 'redirect' },
];

type Fault = ApiFault | VideoFault;

export interface Storm {
  /** Which fault hit it. */
  faultOf(request: RecordedRequest): Fault | undefined;
  counts(): Readonly<Record<string, number>>;
}

export interface StormRules {
  readonly seed: number;
  /** The share of answers that go wrong. */
  readonly share: number;
  /** 50430 is only said where so many tasks of the kind run: the provider does not say it of none. */
  readonly busyFrom: number;
  readonly generationSeconds: number;
}

/** Puts the storm into the sandbox's plan: one draw for each request. */
export function startStorm(sandbox: () => Sandbox, rules: StormRules): Storm {
  const random = randomFrom(rules.seed);
  const drawn = new WeakMap<RecordedRequest, Fault | 'none'>();
  const counts: Record<string, number> = {};
  const draw = (request: RecordedRequest): Fault | 'none' => {
    if (random() >= rules.share) return 'none';
    const { operation } = request;
    const kinds = operation === 'video' ? VIDEO : [...ANY, ...(operation === 'submit' ? SUBMIT : QUERY)];
    const fault = kinds[Math.floor(random() * kinds.length)] ?? 'none';
    const isBusy = fault !== 'none' && fault.kind === 'business' && fault.code === 50430;
    return isBusy && runningLike(request, sandbox(), rules) < rules.busyFrom
      ? { kind: 'business', code: 50429 }
      : fault;
  };
  const isDrawn = (wanted: Fault) => (request: RecordedRequest) => {
    const before = drawn.get(request);
    const fault = before ?? draw(request);
    if (before === undefined) {
      drawn.set(request, fault);
      if (fault !== 'none') {
        const name = `${request.operation} ${nameOf(fault)}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
    return fault !== 'none' && JSON.stringify(fault) === JSON.stringify(wanted);
  };
  const always = { times: 'always' as const };
  const api = (on: 'submit' | 'query', faults: readonly ApiFault[]): FaultRule[] =>
    faults.map((fault) => ({ on, fault, ...always, when: isDrawn(fault) }));
  sandbox().faults.add(
    ...api('submit', [...ANY, ...SUBMIT]),
    ...api('query', [...ANY, ...QUERY]),
    ...VIDEO.map((fault): FaultRule => ({ on: 'video', fault, ...always, when: isDrawn(fault) })),
  );
  return {
    faultOf: (request) => {
      const fault = drawn.get(request);
      return fault === 'none' ? undefined : fault;
    },
    counts: () => Object.fromEntries(Object.entries(counts).sort()),
  };
}

function runningLike(request: RecordedRequest, sandbox: Sandbox, { generationSeconds }: StormRules): number {
  const since = request.arrivedAt - generationSeconds * 1000;
  return sandbox.accepted.filter(
    (task) => task.request.arrivedAt > since && task.request.body?.req_key === request.body?.req_key,
  ).length;
}

export function nameOf(fault: Fault): string {
  return Object.values(fault)
    .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
    .join(' ');
}
