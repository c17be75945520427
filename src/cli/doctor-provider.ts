/** Does the provider answer, agree on the time, take the keys, and which capabilities are opened? Asked by free queries only. */
import type { Clock } from '../clock.ts';
import { isBusy } from '../jimeng/answers.ts';
import type { Api, QueryOutcome } from '../jimeng/api.ts';
import { MODE_NAMES, modeRow, type Resolution } from '../jimeng/modes.ts';
import { PROBLEMS } from '../problems.ts';
import { type Check, fine, toMend, toMendBy } from './doctor-check.ts';

/** Ids begin with the time: this one is from long before the service. */
const NO_TASK = '1000000000000000001';

/** The gateway allows 900 s (reference section 8). Sooner than that, because a clock that is wrong goes on going wrong. */
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

/** One mode of each resolution: these are opened separately in the console. */
function capabilities(): { readonly resolution: Resolution; readonly reqKey: string }[] {
  const first = new Map<Resolution, string>();
  for (const { resolution, reqKey } of MODE_NAMES.map(modeRow)) {
    if (!first.has(resolution)) first.set(resolution, reqKey);
  }
  return [...first].map(([resolution, reqKey]) => ({ resolution, reqKey }));
}

/** @returns one check for each thing that could be found out */
export async function checkProvider(provider: Provider): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { resolution, reqKey } of capabilities()) {
    const outcome = await ask(provider, reqKey);
    if (checks.length === 0) {
      checks.push(...checkAccess(provider, outcome));
      if (checks.some(({ name, status }) => name !== 'clock' && status === 'mend')) return checks;
      if (codeOf(outcome) === 'InvalidTimestamp') return checks;
    }
    checks.push(checkCapability(resolution, reqKey, outcome));
  }
  return checks;
}

async function ask({ api, clock, signal }: Provider, reqKey: string): Promise<QueryOutcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await api.query(reqKey, NO_TASK, signal);
    if (!isBusy(codeOf(outcome) ?? '') || attempt === BUSY_ATTEMPTS) return outcome;
    await clock.sleep(BUSY_PAUSE_MILLISECONDS, signal);
  }
}

function codeOf(outcome: QueryOutcome): string | undefined {
  return 'problem' in outcome ? outcome.problem.code : undefined;
}

/** What one answer says of the way there, the clock and the keys. */
function checkAccess(provider: Provider, outcome: QueryOutcome): Check[] {
  const { name, missingKeys, keysAre, clock } = provider;
  const missing = checkMissing(missingKeys);
  if (outcome.kind === 'unanswered') {
    const { message, mend } = outcome.problem;
    const sentence = `${message} The clock, the keys and the capabilities could not be checked.`;
    return [toMend('provider', sentence, mend), ...missing];
  }
  const found = [fine('provider', `${name} answers`), checkClock(outcome, clock.now())];
  const code = codeOf(outcome) ?? '';
  if (missing.length > 0) return [...found, ...missing];
  if (code === 'InvalidTimestamp') return found;
  if (KEY_CODES.has(code) && outcome.kind === 'hindered') return [...found, toMendBy('keys', outcome.problem)];
  if (POLICY_CODES.has(code) && outcome.kind === 'hindered') {
    return [...found, fine('keys', keysAre), toMendBy('policy', outcome.problem)];
  }
  return [...found, fine('keys', keysAre)];
}

function checkMissing(names: readonly string[]): Check[] {
  if (names.length === 0) return [];
  const all = names.join(' and ');
  const where = 'keys are made at console.volcengine.com/iam/keymanage';
  const mend = `set ${all} (${where}), or set JIMENG_VIDEO_API_URL=sandbox to try it without an account`;
  return [toMend('keys', `${all} ${names.length > 1 ? 'are' : 'is'} not set.`, mend)];
}

function checkClock(outcome: QueryOutcome, now: number): Check {
  const { providerTime } = outcome;
  const skewSeconds = providerTime === undefined ? undefined : Math.round((now - providerTime) / 1000);
  const { mend } = PROBLEMS.InvalidTimestamp;
  if (codeOf(outcome) === 'InvalidTimestamp') {
    const isKnown = skewSeconds !== undefined && Math.abs(skewSeconds) > MAX_SKEW_SECONDS;
    const measured = isKnown ? ` It is ${tellSkew(skewSeconds)}.` : '';
    const rest = ' The keys and the capabilities could not be checked.';
    return toMend('clock', `${PROBLEMS.InvalidTimestamp.what}${measured}${rest}`, mend);
  }
  if (skewSeconds === undefined) return fine('clock', 'the provider takes its time');
  if (Math.abs(skewSeconds) <= MAX_SKEW_SECONDS) return fine('clock', tellSkew(skewSeconds));
  return toMend('clock', `This computer's clock is ${tellSkew(skewSeconds)}; from 900 s on nothing works.`, mend);
}

/** The header has whole seconds, and the answer took its time. */
function tellSkew(seconds: number): string {
  if (Math.abs(seconds) <= 2) return "agrees with the provider's";
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the provider's`;
}

/** An unknown task is what an opened capability answers with: `not_found`, or 50215 as a sibling product does. */
function checkCapability(resolution: Resolution, reqKey: string, outcome: QueryOutcome): Check {
  if (outcome.kind !== 'hindered' && outcome.kind !== 'unanswered') return fine(resolution, 'opened');
  const { problem } = outcome;
  if (problem.code === '50400') return toMend(resolution, `Not opened (50400, ${reqKey}).`, problem.mend);
  return toMend(resolution, `${problem.message} (${problem.code}, ${reqKey})`, problem.mend);
}
