/** Is a lease held by one process at a time, whoever dies and whenever? With real processes. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { isHeld, LeaseLost, renewedWhile, sweepLeases, tryLease, waitForLease } from '../../src/tasks/lease.ts';
import { identityOf, ownIdentity, type ProcessIdentity } from '../../src/tasks/process-identity.ts';
import { bundleEntry, type LineProcess, startLines } from '../support/bundle-entry.ts';

const me = ownIdentity();
const living = identityOf(process.ppid);
/** This pid lives, but as another process than the one that wrote this. */
const dead: ProcessIdentity = { ...me, started: '1' };
const foreign: ProcessIdentity = { ...me, place: 'another-host pid:[1] boot x' };

const bundleFolder = mkdtempSync(join(tmpdir(), 'lease-bundle-'));
let bundle = '';
beforeAll(async () => {
  bundle = await bundleEntry(new URL('./lease-process.ts', import.meta.url), bundleFolder);
});
afterAll(() => rmSync(bundleFolder, { recursive: true }));

let folder = '';
let path = '';
const running: LineProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lease-'));
  path = join(folder, 'lock');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.kill()));
  rmSync(folder, { recursive: true });
});

function start(): LineProcess {
  const child = startLines(process.execPath, [bundle]);
  running.push(child);
  return child;
}
function touch(file: string, minutesAgo: number): void {
  const then = new Date(Date.now() - minutesAgo * 60_000);
  utimesSync(file, then, then);
}
function leave(owner: ProcessIdentity, token: string, at = path): void {
  writeFileSync(at, JSON.stringify({ ...owner, token }));
}

describe('between processes', () => {
  test('four that take turns a hundred times are never inside together', async () => {
    const counter = join(folder, 'counter');
    writeFileSync(counter, '0');
    const children = Array.from({ length: 4 }, start);
    const answers = await Promise.all(children.map((child) => child.ask(`count ${path} ${counter} 25`)));
    expect(answers).toEqual(Array(4).fill('counted'));
    expect(readFileSync(counter, 'utf8')).toBe('100');
    expect(readdirSync(folder)).toEqual(['counter']);
  });

  test('a living one’s is never taken, and a killed one’s at once', async () => {
    const child = start();
    expect(await child.ask(`take ${path}`)).toBe('taken');
    expect(await isHeld(path)).toBe(true);
    for (let i = 0; i < 20; i++) expect(await tryLease(path, me)).toBeUndefined();
    await child.kill();
    expect(await isHeld(path)).toBe(false);
    expect(await tryLease(path, me)).toBeDefined();
    expect(await isHeld(path)).toBe(true);
  });

  test('of eight that race for a dead one’s exactly one wins, every time', async () => {
    const children = Array.from({ length: 8 }, start);
    await Promise.all(children.map((child) => child.ask('identity')));
    for (let round = 0; round < 15; round++) {
      const raced = `${path}-${round}`;
      leave(dead, `token-${round}`, raced);
      const answers = await Promise.all(children.map((child) => child.ask(`take ${raced}`)));
      expect(answers.filter((answer) => answer === 'taken')).toHaveLength(1);
      expect(await isHeld(raced)).toBe(true);
    }
    expect(readdirSync(folder)).toHaveLength(15);
  });
});

describe('a lease', () => {
  test('is free again when it is released', async () => {
    const lease = await tryLease(path, me);
    expect(await tryLease(path, me)).toBeUndefined();
    await lease?.release();
    expect(existsSync(path)).toBe(false);
    expect(await tryLease(path, me)).toBeDefined();
  });

  test('of a pid that is now another process is over', async () => {
    leave(dead, 'a');
    expect(await isHeld(path)).toBe(false);
    expect(await tryLease(path, me)).toBeDefined();
  });

  test('that was taken over is not released by its former holder', async () => {
    const former = await tryLease(path, dead);
    const next = await tryLease(path, me);
    expect(next).toBeDefined();
    await former?.release();
    expect(await isHeld(path)).toBe(true);
  });

  test('is taken over although the first who tried died in the middle', async () => {
    leave(dead, 'a');
    leave(dead, 'b', `${path}.over-a.1`);
    expect(await tryLease(path, me)).toBeDefined();
  });

  test('is left to somebody living who is taking it over', async () => {
    leave(dead, 'a');
    leave(living, 'b', `${path}.over-a.1`);
    expect(await tryLease(path, me)).toBeUndefined();
    expect(readFileSync(path, 'utf8')).toContain('"token":"a"');
  });

  test.each(['', '{"pid":'])('torn by a power cut (%j) is believed for a while', async (text) => {
    writeFileSync(path, text);
    touch(path, 0.1);
    expect(await tryLease(path, me)).toBeUndefined();
    touch(path, 0.3);
    expect(await tryLease(path, me)).toBeDefined();
  });

  test.each([
    ['of a pid that lives, where the system does not tell since when,', { ...living, started: '' }],
    ['of another host', foreign],
  ])('%s is over when it stays old while one looks', async (what, holder) => {
    let passed = 0;
    const clock: Clock = { ...systemClock, monotonic: () => passed };
    leave(holder, what);
    touch(path, 14.9);
    expect(await tryLease(path, me, clock)).toBeUndefined();
    touch(path, 15.1);
    for (passed of [0, 59_000]) expect(await tryLease(path, me, clock)).toBeUndefined();
    // The holder slept, too, and has renewed it meanwhile: another time, old by now.
    touch(path, 15.2);
    for (passed of [61_000, 120_000]) expect(await tryLease(path, me, clock)).toBeUndefined();
    passed = 122_000;
    expect(await tryLease(path, me, clock)).toBeDefined();
  });

  test('whose removal failed is nobody’s: its holder takes it again, and its step is done', async () => {
    const lease = await tryLease(path, me);
    const kept = readFileSync(path);
    rmSync(path);
    // A folder in its place cannot be read as a lease, nor removed as a file: releasing says nothing of it.
    mkdirSync(path);
    await expect(lease?.release()).resolves.toBeUndefined();
    rmSync(path, { recursive: true });
    writeFileSync(path, kept);
    expect(await isHeld(path)).toBe(false);
    expect(await tryLease(path, me)).toBeDefined();
  });
});

test('waiting for one that lives ends with who holds it', async () => {
  leave(living, 'a');
  let now = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
  };
  await expect(waitForLease(path, me, clock, 2_000)).rejects.toThrow(`process ${living.pid} holds ${path}`);
  expect(now).toBeGreaterThan(2_000);
});

test('what is held is renewed again and again for as long as the step takes, and no longer', async () => {
  const sleeps: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      sleeps.push(milliseconds);
    },
  };
  let renewals = 0;
  let end = () => {};
  const step = new Promise<void>((resolve) => {
    end = resolve;
  });
  const renew = async () => {
    if (++renewals === 3) end();
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  };
  await renewedWhile({ renew }, () => step, clock);
  const atTheEnd = renewals;
  expect(atTheEnd).toBeGreaterThanOrEqual(3);
  // Three of them fit into the minute for which a waiter wants to see nothing renewed.
  expect(Math.max(...sleeps)).toBeLessThanOrEqual(20_000);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(renewals).toBeLessThanOrEqual(atTheEnd + 1);
});

test('a step whose lease somebody else has taken meanwhile is told to stop', async () => {
  const lease = await tryLease(path, me);
  if (lease === undefined) throw new Error('no lease');
  const clock: Clock = { ...systemClock, sleep: async (_, signal) => signal?.throwIfAborted() };
  const step = renewedWhile(
    lease,
    async (lost) => {
      leave(living, 'another');
      await new Promise((resolve) => lost.addEventListener('abort', resolve));
      throw new Error('what a download says when it is aborted');
    },
    clock,
  );
  await expect(step).rejects.toThrow(LeaseLost);
  await lease.release();
  expect(readFileSync(path, 'utf8')).toContain('"token":"another"');
});

test('waiting ends with the process that waits', async () => {
  leave(living, 'a');
  const ending = new AbortController();
  const waiting = waitForLease(path, me, systemClock, 60_000, ending.signal);
  ending.abort(new Error('the process ends'));
  await expect(waiting).rejects.toThrow('the process ends');
});

test('sweeping removes what the dead left, and nothing that is needed', async () => {
  leave(living, 'live');
  leave(dead, 'x', `${path}.over-live.1`);
  leave(dead, 'x', `${path}.over-gone.1`);
  leave(living, 'x', `${path}.over-gone.2`);
  leave(dead, 'x', `${path}.draft-of-the-dead.new`);
  leave(living, 'x', `${path}.draft-of-the-living.new`);
  await sweepLeases(folder);
  expect(readdirSync(folder).sort()).toEqual([
    'lock',
    'lock.draft-of-the-living.new',
    'lock.over-gone.2',
    'lock.over-live.1',
  ]);
});
