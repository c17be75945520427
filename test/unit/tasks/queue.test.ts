/** The rules of the queue: order, slots and pauses. */
import { describe, expect, test } from 'vitest';
import type { Pacing } from '../../../src/store/store.ts';
import { nextTurn, pacingAfterAccepted, pacingAfterBusy } from '../../../src/tasks/queue.ts';
import { MINUTE, SUBMITTED, sampleLedger } from '../../support/sample-task.ts';

const untaught: Pacing = { limit: undefined, limitUntil: 0, pausedUntil: 0, refusals: 0, probedAt: 0 };
const unknown = (ageMilliseconds: number) => ({
  id: 'jv-u',
  since: SUBMITTED - ageMilliseconds,
  until: SUBMITTED - ageMilliseconds + 10 * MINUTE,
});

describe('the head of the queue', () => {
  test('is sent while a slot is free, and only by its own process', () => {
    expect(nextTurn(sampleLedger({ inFlight: 1 }), 2)).toEqual({ kind: 'send' });
    expect(nextTurn(sampleLedger({ inFlight: 2 }), 2)).toMatchObject({ kind: 'wait', waitsFor: 'slot' });
    expect(nextTurn(sampleLedger({ headIsOurs: false }), 2)).toEqual({ kind: 'wait', waitsFor: 'turn' });
  });

  test('waits while the provider takes no more, and not for hours after the clock was turned back', () => {
    const paused = (pausedUntil: number) => nextTurn(sampleLedger({ pacing: { ...untaught, pausedUntil } }), 2);
    expect(paused(SUBMITTED + 500)).toEqual({ kind: 'wait', waitsFor: 'pause', until: SUBMITTED + 500 });
    expect(paused(SUBMITTED)).toEqual({ kind: 'send' });
    expect(paused(SUBMITTED + 60 * MINUTE)).toEqual({ kind: 'send' });
  });

  test('waits for lost answers a minute, then finds out whether they hold the slot, once a minute', () => {
    const lost = [unknown(30_000), unknown(59_000)];
    expect(nextTurn(sampleLedger({ unknowns: lost }), 2)).toEqual({
      kind: 'wait',
      waitsFor: 'unknown',
      until: SUBMITTED + 30_000,
    });
    const older = [unknown(61_000), unknown(90_000)];
    const turn = nextTurn(sampleLedger({ unknowns: older }), 2);
    expect(turn).toEqual({ kind: 'send', pacing: { ...untaught, probedAt: SUBMITTED } });
    const pacing = { ...untaught, probedAt: SUBMITTED - 1_000 };
    expect(nextTurn(sampleLedger({ unknowns: older, pacing }), 2)).toMatchObject({ kind: 'wait', waitsFor: 'unknown' });
  });

  test('is not sent as a probe while running tasks fill the slots', () => {
    const ledger = sampleLedger({ inFlight: 2, unknowns: [unknown(5 * MINUTE)] });
    expect(nextTurn(ledger, 2)).toMatchObject({ kind: 'wait', waitsFor: 'slot' });
  });
});

describe('a refusal', () => {
  test('50430 teaches the limit, one more is tried after five minutes, and what passes raises it', () => {
    const taught = pacingAfterBusy(sampleLedger({ inFlight: 3 }), '50430', 0.5);
    expect(taught).toMatchObject({ limit: 2, limitUntil: SUBMITTED + 5 * MINUTE, pausedUntil: SUBMITTED });
    const turn = (inFlight: number, now: number) => nextTurn(sampleLedger({ inFlight, now, pacing: taught }), 5).kind;
    expect(turn(2, SUBMITTED + MINUTE)).toBe('wait');
    expect(turn(1, SUBMITTED + MINUTE)).toBe('send');
    expect(turn(2, SUBMITTED + 6 * MINUTE)).toBe('send');
    expect(turn(3, SUBMITTED + 6 * MINUTE)).toBe('wait');
    expect(pacingAfterAccepted(sampleLedger({ inFlight: 3, pacing: taught }), 5)).toMatchObject({
      limit: 3,
      refusals: 0,
    });
    expect(pacingAfterAccepted(sampleLedger({ inFlight: 5, pacing: taught }), 5)?.limit).toBeUndefined();
    expect(pacingAfterAccepted(sampleLedger({ inFlight: 1 }), 5)).toBeUndefined();
  });

  test('with nothing of ours in flight, or of the rate, is paused for, longer each time up to half a minute', () => {
    const pauses = [1, 2, 4, 20].map((refusals) => {
      const pacing = { ...untaught, refusals: refusals - 1 };
      return pacingAfterBusy(sampleLedger({ inFlight: 1, pacing }), '50430', 1).pausedUntil - SUBMITTED;
    });
    expect(pauses).toEqual([500, 1000, 4000, 30_000]);
    const rate = pacingAfterBusy(sampleLedger({ inFlight: 3 }), '50429', 1);
    expect(rate).toMatchObject({ limit: undefined, pausedUntil: SUBMITTED + 500 });
  });
});
