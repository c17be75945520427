/** Is a process that is gone known to be gone, and a living one never taken for dead? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  identityOf,
  isAlive,
  isGone,
  isProven,
  isSamePlace,
  ownIdentity,
  type ProcessIdentity,
  processIdentitySchema,
} from '../../src/tasks/process-identity.ts';

const me = ownIdentity();

describe('a process', () => {
  test('knows itself, the same each time, and lives', () => {
    expect(processIdentitySchema.parse(me)).toEqual(ownIdentity());
    expect(me.pid).toBe(process.pid);
    expect(isAlive(me)).toBe(true);
  });

  test('of the system lives, whether one may signal it or not', () => {
    expect(isAlive(identityOf(1))).toBe(true);
  });

  test('that ended is dead', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(isAlive({ ...me, pid: child.pid ?? 0, started: '' })).toBe(false);
  });

  test('whose start is not known counts as alive for half a day, unproven; our own pid is known', () => {
    const unproven = { ...identityOf(process.ppid), started: '' };
    expect([isAlive(unproven), isProven(unproven)]).toEqual([true, false]);
    expect([11, 13].map((hours) => isGone(unproven, 0, hours * 3600_000))).toEqual([false, true]);
    expect(isGone(me, 0, 1e12)).toBe(false);
    expect(isAlive({ ...me, started: '' })).toBe(false);
  });

  test.each([
    ['a pid:[1] boot x', 'b pid:[1] boot x', true],
    ['a pid:[1] boot x', 'a pid:[2] boot x', false],
    ['a pid:[1] boot x', 'a pid:[1] boot y', false],
    ['a  boot x', 'b  boot x', false],
    ['a  boot ', 'b  boot ', false],
    ['a  boot ', 'a  boot ', true],
  ])('of "%s" has the pids of "%s": %s', (one, other, same) => {
    expect(isSamePlace(one, other)).toBe(same);
  });

  test('of a host that tells its boot but no namespace is known by the name alone', () => {
    const place = me.place.replace(/^(\S+) \S* boot/, 'other  boot');
    expect(isAlive({ ...me, place })).toBeUndefined();
  });

  test('is the same under another name of its host, as long as the boot is the same', () => {
    const renamed = (identity: ProcessIdentity) => ({
      ...identity,
      place: `mac-in-cafe.lan${identity.place.slice(identity.place.indexOf(' '))}`,
    });
    const tellsBoot = !me.place.endsWith(' boot ');
    expect(isAlive(renamed(identityOf(process.ppid)))).toBe(tellsBoot ? true : undefined);
    expect(isAlive(renamed({ ...identityOf(process.ppid), started: '1' }))).toBe(tellsBoot ? false : undefined);
  });

  test('of this host before a restart is dead, and of another host nothing is known', () => {
    expect(isAlive({ ...me, place: me.place.replace(/ boot .*$/, ' boot earlier') })).toBe(false);
    expect(isAlive({ ...me, place: 'other pid:[1] boot x' })).toBeUndefined();
    expect(isAlive({ ...me, place: '' })).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('where the system tells when a process started', () => {
  test('a pid that is used again is not the process it was', () => {
    expect(me.started).toMatch(/^\d+$/);
    expect(isAlive({ ...me, started: String(Number(me.started) - 1) })).toBe(false);
  });

  test('a process that ended and was not fetched by its parent is dead', async () => {
    // The shell becomes a program that never asks how its child ended.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const pid = Number(String((await once(parent.stdout, 'data'))[0]));
      const stat = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      while (!readFileSync(`/proc/${parent.pid}/comm`, 'utf8').startsWith('sleep')) await turn();
      expect(isAlive({ ...me, pid, started: stat()[19] ?? '' })).toBe(true);
      process.kill(pid, 'SIGKILL');
      while (stat()[0] !== 'Z') await turn();
      expect(process.kill(pid, 0)).toBe(true);
      expect(isAlive({ ...me, pid, started: stat()[19] ?? '' })).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
