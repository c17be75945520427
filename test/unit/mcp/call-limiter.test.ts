/** A bounded number of calls works; the rest takes turns, or is refused in time with its work not begun. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { CallLimiter } from '../../../src/mcp/call-limiter.ts';
import { callTool } from '../../../src/mcp/call-tool.ts';
import type { Tool, ToolCall } from '../../../src/mcp/tool.ts';
import type { ToolService } from '../../../src/mcp/tool-service.ts';
import { cancelVideoTask } from '../../../src/mcp/tools/cancel-video-task.ts';
import { Problem } from '../../../src/problems.ts';
import { phrasingForTools } from '../../../src/report/phrasing-tools.ts';

/** A clock that is moved by hand. */
function handClock() {
  let now = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + milliseconds, wake: resolve as () => void };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };
  return {
    clock,
    sleeping: () => sleepers.size,
    async advance(milliseconds: number) {
      now += milliseconds;
      for (const sleeper of [...sleepers]) if (sleeper.at <= now) sleeper.wake();
      await settled();
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const LIMITS = { working: 2, waiting: 1, queued: 2, queueMilliseconds: 1000 };

/** Starts a call that ends on demand. */
function start(limiter: CallLimiter, signal = new AbortController().signal, person?: string) {
  const call = {
    state: 'queued',
    onWaiting: (): void => undefined,
    end: (): void => undefined,
    error: undefined as unknown,
  };
  const done = limiter
    .run(
      signal,
      async (onWaiting) => {
        call.state = 'working';
        call.onWaiting = onWaiting;
        await new Promise<void>((resolve) => {
          call.end = resolve;
        });
        call.state = 'done';
      },
      person,
    )
    .catch((error: unknown) => {
      call.state = 'refused';
      call.error = error;
    });
  return Object.assign(call, { done });
}

describe('the limiter', () => {
  it('lets so many work, and the others in the order of their arrival', async () => {
    const { clock, sleeping } = handClock();
    const limiter = new CallLimiter(LIMITS, clock);
    const calls = [start(limiter), start(limiter), start(limiter), start(limiter)];
    await settled();
    expect(calls.map(({ state }) => state)).toEqual(['working', 'working', 'queued', 'queued']);
    calls[1]?.end();
    await settled();
    expect(calls.map(({ state }) => state)).toEqual(['working', 'done', 'working', 'queued']);
    calls[0]?.end();
    calls[2]?.end();
    await settled();
    calls[3]?.end();
    await Promise.all(calls.map(({ done }) => done));
    expect(calls.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
    expect(sleeping()).toBe(0);
    const [one, other, third] = [start(limiter), start(limiter), start(limiter)];
    await settled();
    expect([one.state, other.state, third.state]).toEqual(['working', 'working', 'queued']);
  });

  it('gives the place of a call that only waits to the next, up to a number of waiting calls', async () => {
    const { clock } = handClock();
    const limiter = new CallLimiter(LIMITS, clock);
    const calls = [start(limiter), start(limiter), start(limiter), start(limiter)];
    await settled();
    calls[0]?.onWaiting();
    calls[0]?.onWaiting();
    calls[1]?.onWaiting();
    await settled();
    expect(calls.map(({ state }) => state)).toEqual(['working', 'working', 'working', 'queued']);
    // A waiting call that ends gives back a place among the waiting, not one among the working.
    calls[0]?.end();
    await settled();
    expect(calls[3]?.state).toBe('queued');
    calls[1]?.onWaiting();
    await settled();
    expect(calls[3]?.state).toBe('working');
  });

  it('refuses what has waited too long, and what comes when too many wait, with nothing begun', async () => {
    const { clock, advance } = handClock();
    const limiter = new CallLimiter(LIMITS, clock);
    const calls = [start(limiter), start(limiter), start(limiter), start(limiter), start(limiter)];
    await settled();
    expect(calls[4]?.state).toBe('refused');
    expect(calls[4]?.error).toBeInstanceOf(Problem);
    await advance(999);
    expect(calls[2]?.state).toBe('queued');
    await advance(1);
    expect(calls.map(({ state }) => state)).toEqual(['working', 'working', 'refused', 'refused', 'refused']);
    expect(calls[2]?.error).toMatchObject({
      code: 'too_many_calls',
      charge: 'none',
      message: expect.stringContaining('1 s'),
    });
    // The places of those that gave up are free.
    const next = start(limiter);
    await settled();
    calls[0]?.end();
    await settled();
    expect(next.state).toBe('working');
  });

  it('lets go of a call whose client has gone, and goes on when one fails', async () => {
    const { clock } = handClock();
    const limiter = new CallLimiter(LIMITS, clock);
    const leaving = new AbortController();
    const failing = limiter.run(leaving.signal, () => Promise.reject(new Error('failed')));
    await expect(failing).rejects.toThrow('failed');
    const calls = [start(limiter), start(limiter), start(limiter, leaving.signal), start(limiter)];
    await settled();
    leaving.abort(new Error('gone'));
    await settled();
    expect(calls[2]?.error).toMatchObject({ message: 'gone' });
    calls[0]?.end();
    await settled();
    expect(calls.map(({ state }) => state)).toEqual(['done', 'working', 'refused', 'working']);
  });
});

describe('one person', () => {
  const PERSON = { working: 2, waiting: 3, queued: 1, queueMilliseconds: 1000 };
  const nobody = new AbortController().signal;

  it('has a share of the places: the calls of others are worked on meanwhile', async () => {
    const { clock, advance } = handClock();
    const limiter = new CallLimiter({ working: 3, waiting: 100, queued: 10, queueMilliseconds: 1000 }, clock, PERSON);
    const many: ReturnType<typeof start>[] = [];
    for (let count = 0; count < 8; count++) {
      const call = start(limiter, nobody, 'mei');
      many.push(call);
      await settled();
      // One that only waits for a video leaves its place to the next.
      call.onWaiting();
    }
    // Three wait, two more keep their places, one has to queue, and the rest is refused.
    expect(many.filter(({ state }) => state === 'working')).toHaveLength(5);
    expect(many.filter(({ state }) => state === 'refused')).toHaveLength(2);
    const others = ['yu', 'ann', undefined].map((person) => start(limiter, nobody, person));
    await settled();
    expect(others.map(({ state }) => state)).toEqual(['working', 'working', 'working']);
    await advance(1000);
    expect(many.find(({ state, error }) => state === 'refused' && String(error).includes('1 s'))?.error).toMatchObject({
      message: expect.stringContaining('The server is working on 5 other calls of yours'),
    });
  });

  it('has the whole share again when the calls have ended', async () => {
    const { clock } = handClock();
    const limiter = new CallLimiter({ ...LIMITS, working: 3 }, clock, PERSON);
    for (let round = 0; round < 3; round++) {
      const calls = [start(limiter, nobody, 'mei'), start(limiter, nobody, 'mei')];
      await settled();
      expect(calls.map(({ state }) => state)).toEqual(['working', 'working']);
      for (const call of calls) call.end();
      await Promise.all(calls.map(({ done }) => done));
    }
  });
});

it('a tool call takes its turn, is validated without one, and frees its place with its first progress', async () => {
  const { clock } = handClock();
  const limiter = new CallLimiter({ ...LIMITS, working: 1 }, clock);
  const started: ToolCall[] = [];
  const ends: (() => void)[] = [];
  const tool: Tool = {
    ...cancelVideoTask,
    run: async (_input, _service, call) => {
      started.push(call);
      await new Promise<void>((resolve) => ends.push(resolve));
      return { structured: {}, text: '', isError: false };
    },
  };
  const surroundings = {
    service: { isSandbox: false, phrasing: phrasingForTools() } as ToolService,
    limiter,
    log: silentLog,
    writable: async () => undefined,
  };
  const call = { signal: new AbortController().signal, arrivedAt: 0, progress: () => undefined };
  const run = (given: object) => callTool(tool, given, call, surroundings);
  const calls = [run({ task_id: 'one' }), run({ task_id: 'other' })];
  await settled();
  expect(started).toHaveLength(1);
  expect((await run({})).structured).toMatchObject({ error: { code: 'invalid_input' } });
  started[0]?.progress({ progress: 1, message: 'waiting' });
  await settled();
  expect(started).toHaveLength(2);
  for (const end of ends) end();
  await Promise.all(calls);
});
