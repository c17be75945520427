/** Are past times kept across processes, and is a disk that will not have them no matter? */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { PastTimes } from '../../src/tasks/past-times.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'times-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => new PastTimes(folder, silentLog);
const around = (seconds: number) => ({ fromSeconds: seconds - 2, toSeconds: seconds + 2 });
const fileOf = (mode: string) => join(folder, 'times', mode);

async function learnMany(times: PastTimes, mode: string, count: number, seconds = 100): Promise<void> {
  for (let index = 0; index < count; index++) await times.learn(mode, around(seconds));
}

describe('past times', () => {
  test('are there for the next process, by mode, for the user’s eyes only', async () => {
    await learnMany(open(), 't2v_720p', 6);
    expect((await open().usualTime('t2v_720p'))?.count).toBe(6);
    expect(await open().usualTime('t2v_1080p')).toBeUndefined();
    expect(await open().schedule('t2v_720p')).toBeDefined();
    expect(readFileSync(fileOf('t2v_720p'), 'utf8').split('\n')[0]).toBe('98.0 102.0');
    expect(statSync(fileOf('t2v_720p')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'times')).mode & 0o777).toBe(0o700);
  });

  test('are of use at once, and those of several processes come together', async () => {
    const [one, other] = [open(), open()];
    await learnMany(one, 't2v_720p', 4);
    await learnMany(other, 't2v_720p', 4);
    expect((await open().usualTime('t2v_720p'))?.count).toBe(8);
    await learnMany(one, 't2v_720p', 1);
    expect((await one.usualTime('t2v_720p'))?.count).toBe(5);
  });

  test('nothing is on the disk before something was learned', async () => {
    await open().usualTime('t2v_720p');
    await open().schedule('t2v_720p');
    expect(() => statSync(join(folder, 'times'))).toThrow();
  });

  test.each([
    ['a slow watch', { fromSeconds: 300, toSeconds: 600 }],
    ['a clock that went back', { fromSeconds: 50, toSeconds: 40 }],
    ['nothing', { fromSeconds: Number.NaN, toSeconds: Number.NaN }],
  ])('%s teaches nothing', async (_, span) => {
    const times = open();
    await learnMany(times, 't2v_720p', 5);
    await times.learn('t2v_720p', span);
    expect((await times.usualTime('t2v_720p'))?.count).toBe(5);
    expect((await open().usualTime('t2v_720p'))?.count).toBe(5);
  });

  test('lines that cannot be read are passed over', async () => {
    await learnMany(open(), 't2v_720p', 5);
    const good = readFileSync(fileOf('t2v_720p'), 'utf8');
    writeFileSync(fileOf('t2v_720p'), `torn\n\u0000\n1 2 3\n-5 2\n9e9 9e9\n${good}10`);
    expect((await open().usualTime('t2v_720p'))?.count).toBe(5);
  });

  test('are cut to the newest before the file grows without end', async () => {
    await mkdir(join(folder, 'times'));
    writeFileSync(fileOf('t2v_720p'), '10.0 12.0\n'.repeat(400));
    await learnMany(open(), 't2v_720p', 1);
    const lines = readFileSync(fileOf('t2v_720p'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(200);
    expect(lines.at(-1)).toBe('98.0 102.0');
    expect(statSync(fileOf('t2v_720p')).mode & 0o777).toBe(0o600);
  });

  test('that cannot be read or written fail nothing', async () => {
    writeFileSync(join(folder, 'times'), 'a file where the folder should be');
    const times = open();
    await learnMany(times, 't2v_720p', 5);
    expect((await times.usualTime('t2v_720p'))?.count).toBe(5);
  });

  test('a mode that somebody wrote into a record names no other file', async () => {
    writeFileSync(join(folder, 'secret'), '');
    await learnMany(open(), '../secret', 2);
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('');
  });
});
