/** What every paid call has in common: how long it may take, and what it needs a person's yes for. */
import type { Clock } from '../clock.ts';
import { Problem } from '../problems.ts';
import { StoreFailure } from '../store/engine.ts';
import { orAborted, withTimeLimit } from '../system/wait.ts';
import { fenOf, unconfirmed } from './admission.ts';
import type { Call } from './calls.ts';
import type { ServiceParts } from './parts.ts';

type PaidCall = Pick<Call, 'signal' | 'arrivedAt' | 'deadline' | 'confirm'>;

/** From the call's arrival, a submit's answer is awaited so long even by a caller that does not want to wait: without it there is no id to report. */
const ANSWER_WAIT_MILLISECONDS = 45_000;

/** A submit's answer and what comes before it are awaited at least so long, on the monotonic clock. */
export function answerDeadline({ deadline, arrivedAt }: Pick<Call, 'deadline' | 'arrivedAt'>): number {
  return Math.max(deadline, arrivedAt + ANSWER_WAIT_MILLISECONDS);
}

/** Bounded: pictures are made smaller before there is an id to report. @throws Problem preparation_too_long, server_ending */
export async function preparedInTime<Value>(
  call: PaidCall,
  { clock, ending }: Pick<ServiceParts, 'clock' | 'ending'>,
  prepare: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const work = async (over: AbortSignal) => {
    const signal = AbortSignal.any([call.signal, ending, over]);
    // A drive that hangs is not awaited: nothing is recorded yet.
    return await orAborted(prepare(signal), signal);
  };
  const tooLong = new Problem('preparation_too_long');
  return await withTimeLimit(clock, answerDeadline(call) - clock.monotonic(), work, tooLong);
}

/** What is asked, and the limit above which it is. */
export interface Price {
  readonly fen: number;
  readonly videos: number;
  /** What is paid for, for the person to read. */
  readonly what: string;
  readonly confirmAboveCny: number | undefined;
}

export function needsConfirmation({ fen, confirmAboveCny }: Pick<Price, 'fen' | 'confirmAboveCny'>): boolean {
  return confirmAboveCny !== undefined && fen > fenOf(confirmAboveCny);
}

/** A person's yes to this price; nothing is reserved before it. @throws Problem confirmation_declined, confirmation_unavailable */
export async function confirmPrice(price: Price, call: PaidCall, clock: Clock): Promise<void> {
  const { fen, videos, what, confirmAboveCny = 0 } = price;
  const answer = await withTimeLimit(clock, answerDeadline(call) - clock.monotonic(), async (over) => {
    return (await call.confirm?.({ fen, videos, what, over })) ?? 'unavailable';
  });
  call.signal.throwIfAborted();
  if (answer === 'unavailable') throw unconfirmed(fen, fenOf(confirmAboveCny), videos);
  if (answer === 'no_answer') {
    throw new Problem('confirmation_declined', {
      what: 'The price was not confirmed, so nothing was recorded or sent.',
    });
  }
  if (answer === 'no') throw new Problem('confirmation_declined');
}

/** A failure of the store as a problem for the caller. */
export async function orProblem<Value>(step: Promise<Value>): Promise<Value> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    throw new Problem(error.problemCode, {
      what: `${error.message}, and nothing is sent before it is recorded.`,
      hint: error.hint,
      cause: error,
    });
  }
}
