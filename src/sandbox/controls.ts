/** How does another process plan faults and read what arrived? Only where the sandbox was started with `controls`. */
import type { Answer } from './answers.ts';
import type { FaultPlan, FaultRule } from './faults.ts';
import type { RecordedRequest } from './recorded-requests.ts';

export const CONTROLS_PATH = '/sandbox/';

/** A kind that is not here is a slip of the pen, and a fault that never hits lets a test pass for nothing. */
const KINDS = {
  api: [
    ...['business', 'gateway', 'raw', 'html', 'redirect', 'cut', 'never', 'slow', 'truncated', 'wrong-type'],
    ...['no-task-id', 'numeric-task-id', 'done-without-url', 'done-with-code', 'status-word', 'escaped-url'],
  ],
  video: ['status', 'html', 'cut', 'stall', 'slow', 'no-range', 'wrong-length', 'redirect', 'huge'],
} as const;

function isRule(value: unknown): value is FaultRule {
  if (typeof value !== 'object' || value === null) return false;
  const { on, fault } = value as { on?: unknown; fault?: { kind?: unknown } };
  const kinds: readonly unknown[] = on === 'video' ? KINDS.video : on === 'submit' || on === 'query' ? KINDS.api : [];
  return kinds.includes(fault?.kind);
}

function answer(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

function addRules(faults: FaultPlan, body: string): Answer {
  let rules: unknown;
  try {
    rules = JSON.parse(body);
  } catch {
    return answer(400, { error: 'not JSON' });
  }
  const list = Array.isArray(rules) ? rules : [rules];
  const wrong = list.find((rule) => !isRule(rule));
  if (wrong !== undefined) return answer(400, { error: 'no such fault', rule: wrong });
  faults.add(...(list as FaultRule[]));
  return answer(200, { pending: faults.pending });
}

/**
 * `PUT /sandbox/faults` replaces the plan, `POST` adds to it (a rule or an array), `DELETE` clears, `GET` shows what is
 * pending; `GET /sandbox/requests` gives what arrived, oldest first, `GET /sandbox/accepted` the accepted task ids.
 */
export function answerControls(
  method: string,
  path: string,
  body: string,
  sandbox: {
    readonly faults: FaultPlan;
    readonly requests: readonly RecordedRequest[];
    readonly accepted: readonly { readonly taskId: string }[];
  },
): Answer {
  const { faults, requests, accepted } = sandbox;
  switch (`${method} ${path.slice(CONTROLS_PATH.length)}`) {
    case 'PUT faults':
      faults.clear();
      return addRules(faults, body);
    case 'POST faults':
      return addRules(faults, body);
    case 'DELETE faults':
      faults.clear();
      return answer(200, { pending: [] });
    case 'GET faults':
      return answer(200, { pending: faults.pending });
    case 'GET requests':
      return answer(200, requests);
    case 'GET accepted':
      return answer(
        200,
        accepted.map(({ taskId }) => taskId),
      );
    default:
      return answer(404, { error: 'no such control' });
  }
}
