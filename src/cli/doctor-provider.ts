/** Checks the provider for doctor, with free queries: reachable, clock, keys, and which capabilities are opened. */
import type { Clock } from '../clock.ts';
import { isBusy } from '../jimeng/answers.ts';
import type { Api, QueryOutcome } from '../jimeng/api.ts';
import { MODE_NAMES, modeRow, type Resolution } from '../jimeng/modes.ts';
import { PROBLEMS, type Problem } from '../problems.ts';
import { blocking, type Check, fine, toFix } from './doctor-computer.ts';

/** Ids begin with the time: this one is from long before the service. */
const NO_TASK = '1000000000000000001';

/** The gateway allows 900 s (reference section 8). Reported sooner, because a wrong clock keeps drifting. */
const MAX_SKEW_SECONDS = 300;

const BUSY_ATTEMPTS = 3;
const BUSY_PAUSE_MILLISECONDS = 1_500;

/** About the keys and their user, whatever the capability. */
const KEY_CODES = new Set(['InvalidAccessKey', 'SignatureDoesNotMatch', 'InvalidSecretToken']);
const POLICY_CODES = new Set(['LackPolicy', 'AccessDenied']);

export interface Provider {
  readonly api: Api;
  /** As a person calls it. */
  readonly name: string;
  /** The keys that are not set; then the queries are signed with none that exist. */
  readonly missingKeys: readonly string[];
  readonly keysAre: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Capability {
  readonly name: Resolution;
  readonly verdict: 'ready' | 'not_opened' | 'unknown';
  /** What was found; a sentence. */
  readonly message: string;
  /** An imperative without a full stop; not with `ready`. */
  readonly hint?: string;
}

export interface ProviderFinding {
  readonly checks: readonly Check[];
  /** One of each capability; empty where they could not be checked. */
  readonly capabilities: readonly Capability[];
  /** Our own sandbox answered. */
  readonly sandbox: boolean;
}

/** One mode of each resolution: these are opened separately in the console. */
function capabilityKeys(): ReadonlyMap<Resolution, string> {
  const first = new Map<Resolution, string>();
  for (const { resolution, reqKey } of MODE_NAMES.map(modeRow)) {
    if (!first.has(resolution)) first.set(resolution, reqKey);
  }
  return first;
}

export async function checkProvider(provider: Provider): Promise<ProviderFinding> {
  let checks: readonly Check[] | undefined;
  const capabilities: Capability[] = [];
  let sandbox = false;
  for (const [name, reqKey] of capabilityKeys()) {
    const outcome = await query(provider, reqKey);
    sandbox ||= outcome.sandbox;
    checks ??= checkAccess(provider, outcome);
    if (checks.some(({ isBlocking }) => isBlocking)) return { checks, capabilities: [], sandbox };
    capabilities.push(checkCapability(name, reqKey, outcome));
  }
  return { checks: checks ?? [], capabilities, sandbox };
}

async function query({ api, clock, signal }: Provider, reqKey: string): Promise<QueryOutcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await api.query(reqKey, NO_TASK, signal);
    if (!isBusy(codeOf(outcome) ?? '') || attempt === BUSY_ATTEMPTS) return outcome;
    await clock.sleep(BUSY_PAUSE_MILLISECONDS, signal);
  }
}

function codeOf(outcome: QueryOutcome): string | undefined {
  return 'problem' in outcome ? outcome.problem.code : undefined;
}

function blockingBy(name: string, { message, hint }: Problem): Check {
  return blocking(name, message, hint);
}

/** What one response shows about the connection, the clock and the keys. */
function checkAccess(provider: Provider, outcome: QueryOutcome): Check[] {
  const { name, missingKeys, keysAre, clock } = provider;
  const missing = checkMissing(missingKeys);
  if (outcome.kind === 'unanswered') {
    const { message, hint } = outcome.problem;
    const sentence = `${message} The clock, the keys and the capabilities could not be checked.`;
    return [blocking('provider', sentence, hint), ...missing];
  }
  const found = [fine('provider', `${name} answers`), checkClock(outcome, clock.now())];
  const code = codeOf(outcome) ?? '';
  if (missing.length > 0) return [...found, ...missing];
  if (code === 'InvalidTimestamp') return found;
  if (KEY_CODES.has(code) && outcome.kind === 'blocked') return [...found, blockingBy('keys', outcome.problem)];
  if (POLICY_CODES.has(code) && outcome.kind === 'blocked') {
    return [...found, fine('keys', keysAre), blockingBy('policy', outcome.problem)];
  }
  return [...found, fine('keys', keysAre)];
}

function checkMissing(names: readonly string[]): Check[] {
  if (names.length === 0) return [];
  const all = names.join(' and ');
  const where = 'keys are made at console.volcengine.com/iam/keymanage';
  const hint = `set ${all} (${where}), or set JIMENG_VIDEO_API_URL=sandbox to try it without an account`;
  return [blocking('keys', `${all} ${names.length > 1 ? 'are' : 'is'} not set.`, hint)];
}

function checkClock(outcome: QueryOutcome, now: number): Check {
  const { providerTime } = outcome;
  const skewSeconds = providerTime === undefined ? undefined : Math.round((now - providerTime) / 1000);
  const { hint } = PROBLEMS.InvalidTimestamp;
  if (codeOf(outcome) === 'InvalidTimestamp') {
    const isKnown = skewSeconds !== undefined && Math.abs(skewSeconds) > MAX_SKEW_SECONDS;
    const measured = isKnown ? ` It is ${skewText(skewSeconds)}.` : '';
    const rest = ' The keys and the capabilities could not be checked.';
    return blocking('clock', `${PROBLEMS.InvalidTimestamp.what}${measured}${rest}`, hint);
  }
  if (skewSeconds === undefined) return fine('clock', 'accepted by the provider');
  if (Math.abs(skewSeconds) <= MAX_SKEW_SECONDS) return fine('clock', skewText(skewSeconds));
  return toFix('clock', `This computer's clock is ${skewText(skewSeconds)}; from 900 s on nothing works.`, hint);
}

/** The header has whole seconds, and the response took its time. */
function skewText(seconds: number): string {
  if (Math.abs(seconds) <= 2) return "agrees with the provider's";
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the provider's`;
}

/** An opened capability answers that it does not know the task: `not_found`, or 50215 as a sibling product does. */
function checkCapability(name: Resolution, reqKey: string, outcome: QueryOutcome): Capability {
  if (outcome.kind !== 'blocked' && outcome.kind !== 'unanswered') return { name, verdict: 'ready', message: 'Ready.' };
  const { code, message, hint } = outcome.problem;
  if (code === '50400') return { name, verdict: 'not_opened', message: `Not opened (50400, ${reqKey}).`, hint };
  return { name, verdict: 'unknown', message: `Could not be checked: ${message} (${code}, ${reqKey})`, hint };
}
