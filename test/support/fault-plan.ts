/** A test's plan of what goes wrong at which request. */
import type { RecordedRequest } from './recorded-requests.ts';

/**
 * For a submit, whether the task exists (and costs money) when the answer goes wrong; default before.
 * A refusal before acceptance leaves no task; one after it leaves a task whose id the client never learns.
 */
type Moment = 'before-acceptance' | 'after-acceptance';

/** Instead of the provider's answer. */
export type ReplacingFault = { readonly moment?: Moment } & (
  | { readonly kind: 'business'; readonly code: number; readonly message?: string; readonly httpStatus?: number }
  /** `code`: a name of the gateway's table, or a business number as text. */
  | { readonly kind: 'gateway'; readonly code: string; readonly httpStatus?: number }
  | {
      readonly kind: 'raw';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** A page of a proxy in between. */
  | { readonly kind: 'html'; readonly status: number; readonly body?: string }
  | { readonly kind: 'redirect'; readonly status?: number; readonly location?: string }
  /** `reset`: a TCP reset instead of a close. */
  | { readonly kind: 'cut'; readonly reset?: boolean }
  | { readonly kind: 'never' }
);

/** The provider's own answer, changed on its way; a submit is accepted. */
export type ChangingFault =
  | { readonly kind: 'slow'; readonly milliseconds: number }
  /** Sent when the test lets it go. */
  | { readonly kind: 'held'; readonly until: Promise<unknown> }
  /** `short-body`: less than Content-Length, then a close; `cut-json`: a whole HTTP answer with half the JSON. */
  | { readonly kind: 'truncated'; readonly how: 'short-body' | 'cut-json' }
  /** Sets the place `path` (as `data.task_id`) in the answer to any JSON value; left out, the place is removed. */
  | { readonly kind: 'wrong-type'; readonly path: string; readonly value?: unknown }
  | { readonly kind: 'no-task-id' }
  /** A bare number with all its digits: a client that parses it as a double loses the last ones. */
  | { readonly kind: 'numeric-task-id' }
  | { readonly kind: 'done-without-url' }
  /** `data.status` done, and an outer code that is not 10000. */
  | { readonly kind: 'done-with-code'; readonly code: number; readonly httpStatus?: number }
  /** Any word in `data.status`, as `expired`, `not_found` or one that nobody knows. */
  | { readonly kind: 'status-word'; readonly word: string }
  /** `&` in the link as the JSON escape `\u0026`. */
  | { readonly kind: 'escaped-url' };

export type ApiFault = ReplacingFault | ChangingFault;

/** For the file host. Byte numbers count from the start of the body that would be sent. */
export type VideoFault =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  | { readonly kind: 'html'; readonly status?: number }
  | { readonly kind: 'cut'; readonly atByte: number }
  | { readonly kind: 'stall'; readonly atByte: number }
  | { readonly kind: 'slow'; readonly milliseconds: number }
  | { readonly kind: 'no-range' }
  /** Added to the true Content-Length; negative declares too little. */
  | { readonly kind: 'wrong-length'; readonly difference: number }
  /** Without `location`: to itself, for ever. */
  | { readonly kind: 'redirect'; readonly location?: string; readonly status?: number }
  /** A body of so many bytes that begins like an MP4, made while it is sent. */
  | { readonly kind: 'huge'; readonly bytes: number };

interface RuleLimits {
  /** How many requests it hits; default 1. */
  readonly times?: number | 'always';
  /** How many matching requests are left alone first; default 0. */
  readonly skip?: number;
  /** Only for this req_key (not for videos). */
  readonly reqKey?: string;
  /** Only where it returns true. */
  readonly when?: (request: RecordedRequest) => boolean;
}

export type FaultRule = RuleLimits &
  (
    | { readonly on: 'submit' | 'query'; readonly fault: ApiFault }
    | { readonly on: 'video'; readonly fault: VideoFault }
  );

interface PlannedFault {
  readonly rule: FaultRule;
  timesLeft: number;
  skipsLeft: number;
}

/** Rules apply in the order in which they were added, one per request. */
export class FaultPlan {
  private planned: PlannedFault[] = [];

  add(...rules: readonly FaultRule[]): void {
    for (const rule of rules) {
      const timesLeft = rule.times === 'always' ? Number.POSITIVE_INFINITY : (rule.times ?? 1);
      this.planned.push({ rule, timesLeft, skipsLeft: rule.skip ?? 0 });
    }
  }

  clear(): void {
    this.planned = [];
  }

  /** The rules that have not hit as often as planned: none at the end of a test that meant them all. */
  get pending(): readonly FaultRule[] {
    return this.planned.filter(({ timesLeft }) => Number.isFinite(timesLeft)).map(({ rule }) => rule);
  }

  takeForApi(request: RecordedRequest): ApiFault | undefined {
    const rule = this.take(request);
    return rule && rule.on !== 'video' ? rule.fault : undefined;
  }

  takeForVideo(request: RecordedRequest): VideoFault | undefined {
    const rule = this.take(request);
    return rule?.on === 'video' ? rule.fault : undefined;
  }

  private take(request: RecordedRequest): FaultRule | undefined {
    for (const planned of this.planned) {
      const { rule } = planned;
      if (rule.on !== request.operation) continue;
      if (rule.reqKey !== undefined && rule.reqKey !== request.body?.req_key) continue;
      if (rule.when && !rule.when(request)) continue;
      if (planned.skipsLeft > 0) {
        planned.skipsLeft -= 1;
        continue;
      }
      planned.timesLeft -= 1;
      if (planned.timesLeft <= 0) this.planned = this.planned.filter((other) => other !== planned);
      return rule;
    }
    return undefined;
  }
}
