/** Finds the right ffmpeg by an absolute path, and reports what it lacks before anything is paid. */
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  candidatePaths,
  encoderOrProblem,
  type Ffmpeg,
  findFfmpeg,
  keepFound,
} from '../../../../src/media/clip/ffmpeg.ts';
import { runProgram } from '../../../../src/media/clip/run-program.ts';
import { readSettings } from '../../../../src/settings.ts';
import { ffmpeg, hasNoFfmpeg, limits, needsFfmpeg, surroundings } from '../../../support/clips.ts';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'ffmpeg-')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a program named ffmpeg into a folder of its own. @returns that folder */
async function fake(name: string, script: string): Promise<string> {
  const own = path.join(folder, name);
  await mkdir(own);
  await writeFile(path.join(own, 'ffmpeg'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return own;
}

const nowhere = { ...surroundings, usualFolders: [] };

describe('where to look', () => {
  test('the PATH comes first, then the usual places, each once, and never a relative folder', () => {
    const around = { environment: {}, platform: 'linux' as const, usualFolders: ['/usr/bin', '/opt/homebrew/bin'] };
    expect(candidatePaths('ffmpeg', '/a::.:bin:/usr/bin', around)).toEqual([
      '/a/ffmpeg',
      '/usr/bin/ffmpeg',
      '/opt/homebrew/bin/ffmpeg',
    ]);
  });

  test('on macOS the places of Homebrew and MacPorts are looked at although the PATH is short', () => {
    const paths = candidatePaths('ffmpeg', '/usr/bin:/bin', { environment: {}, platform: 'darwin' });
    expect(paths).toEqual(expect.arrayContaining(['/opt/homebrew/bin/ffmpeg', '/opt/local/bin/ffmpeg']));
  });

  test("on Windows it is an .exe, quoted folders count, and the installers' folders are known", () => {
    const environment = { LocalAppData: 'C:\\Users\\a\\AppData\\Local', ProgramFiles: 'C:\\Program Files' };
    const paths = candidatePaths('ffmpeg', 'bin;"D:\\my tools"', { environment, platform: 'win32' });
    expect(paths[0]).toBe('D:\\my tools\\ffmpeg.exe');
    expect(paths).toContain('C:\\Users\\a\\AppData\\Local\\Microsoft\\WinGet\\Links\\ffmpeg.exe');
    expect(paths).toContain('C:\\Program Files\\ffmpeg\\bin\\ffmpeg.exe');
  });
});

test("of the settings' environment on Windows, WinGet's, Scoop's, Chocolatey's and the installers' folders are looked at", () => {
  const environment = {
    LOCALAPPDATA: 'C:\\Users\\mei\\AppData\\Local',
    USERPROFILE: 'C:\\Users\\mei',
    PROGRAMDATA: 'C:\\ProgramData',
    PROGRAMFILES: 'C:\\Program Files',
    VOLC_SECRETKEY: 'secret',
  };
  const windows = { environment, homeDir: 'C:\\Users\\mei', workingDir: 'C:\\', platform: 'win32' as const };
  const { childEnvironment } = readSettings(windows).settings;
  const paths = candidatePaths('ffmpeg', '', { environment: childEnvironment, platform: 'win32' });
  expect(paths).toEqual([
    'C:\\Users\\mei\\AppData\\Local\\Microsoft\\WinGet\\Links\\ffmpeg.exe',
    'C:\\Users\\mei\\scoop\\shims\\ffmpeg.exe',
    'C:\\ProgramData\\chocolatey\\bin\\ffmpeg.exe',
    'C:\\Program Files\\ffmpeg\\bin\\ffmpeg.exe',
    'C:\\ffmpeg\\bin\\ffmpeg.exe',
  ]);
  expect(JSON.stringify(childEnvironment)).not.toContain('secret');
});

describe('none', () => {
  test('without any ffmpeg there is none, and that is no error', async () => {
    expect(await findFfmpeg(undefined, folder, nowhere)).toBeUndefined();
  });

  test('a setting that names no ffmpeg is reported with its value and the reason', async () => {
    const text = path.join(folder, 'text');
    await writeFile(text, 'text');
    const cases = [
      [path.join(folder, 'none'), 'there is no such file'],
      ['no-such-ffmpeg', 'it is not on the PATH'],
      [`bin${path.sep}ffmpeg`, 'it is not an absolute path'],
      ...(process.platform === 'win32' ? [] : [[text, 'it may not be run']]),
      [folder, 'it is not a file'],
    ] as const;
    for (const [setting, why] of cases) {
      await expect(findFfmpeg(setting, folder, nowhere)).rejects.toMatchObject({
        code: 'ffmpeg_missing',
        charge: 'none',
        message: `JIMENG_VIDEO_FFMPEG is "${setting}", which is not a working ffmpeg: ${why}.`,
      });
    }
  });
});

test('one look-up serves calls at the same time, and is done again until it finds one', async () => {
  const answers: (Ffmpeg | undefined)[] = [undefined, ffmpeg];
  let lookUps = 0;
  const find = keepFound(async () => {
    lookUps++;
    return answers.shift();
  });
  expect(await Promise.all([find(), find()])).toEqual([undefined, undefined]);
  expect(lookUps).toBe(1);
  expect([await find(), await find(), lookUps]).toEqual([ffmpeg, ffmpeg, 2]);
});

describe.skipIf(process.platform === 'win32')('programs that call themselves ffmpeg', () => {
  test('one that does not run or is something else is passed over, and the next is taken', async () => {
    const broken = await fake('broken', 'exit 1');
    const other = await fake('other', 'echo some player');
    const locked = await fake('locked', 'echo ffmpeg version 1');
    await chmod(path.join(locked, 'ffmpeg'), 0o644);
    const good = await fake('good', 'echo "ffmpeg version 7.1.1-tessus https://x"');
    const found = await findFfmpeg(undefined, [broken, other, locked, good].join(':'), nowhere);
    expect(found).toMatchObject({ path: path.join(good, 'ffmpeg'), version: '7.1.1-tessus' });
    expect(await findFfmpeg(good, '', nowhere)).toMatchObject({ path: path.join(good, 'ffmpeg') });
    await expect(findFfmpeg(path.join(other, 'ffmpeg'), good, nowhere)).rejects.toMatchObject({
      message: expect.stringContaining('it does not answer like ffmpeg'),
    });
  });

  test('it sees the environment that it is given and nothing of ours', async () => {
    const shows = await fake('shows', '/usr/bin/env');
    process.env.VOLC_SECRETKEY_OF_A_TEST = 'secret';
    const program = { path: path.join(shows, 'ffmpeg'), environment: { PATH: '/bin', HOME: '/home/a' } };
    const output = (await runProgram(program, [], limits)).toString();
    delete process.env.VOLC_SECRETKEY_OF_A_TEST;
    expect(output).toContain('HOME=/home/a');
    expect(output).not.toContain('secret');
  });

  test('without a shell, an option is passed on letter by letter', async () => {
    const echoes = await fake('echoes', 'printf "%s\\n" "$@"');
    const options = ['$(id)', '; ls', '`id`', '*', 'a b'];
    const program = { path: path.join(echoes, 'ffmpeg'), environment: {} };
    expect((await runProgram(program, options, limits)).toString().trimEnd().split('\n')).toEqual(options);
  });

  test('an encoder that is listed but does not work is passed over', async () => {
    const script = 'case "$*" in *-encoders*) echo " V libx264 x"; echo " V libopenh264 y";; *libx264*) exit 1;; esac';
    const own = await fake('openh264', script);
    expect(await encoderOrProblem({ ...ffmpeg, path: path.join(own, 'ffmpeg') }, limits)).toBe('libopenh264');
  });

  test('an ffmpeg without an H.264 encoder is reported before paying, with its path', async () => {
    const own = await fake('no-encoder', 'echo " V....D mpeg4 x"');
    await expect(encoderOrProblem({ ...ffmpeg, path: path.join(own, 'ffmpeg') }, limits)).rejects.toMatchObject({
      code: 'ffmpeg_missing',
      message: `The ffmpeg at "${path.join(own, 'ffmpeg')}" (any) has no working H.264 encoder.`,
    });
  });
});

describe.skipIf(hasNoFfmpeg)(`the ffmpeg of this machine${needsFfmpeg}`, () => {
  test('it is found by an absolute path, with its version and an encoder that works', async () => {
    const found = await findFfmpeg(undefined, surroundings.environment.PATH, surroundings);
    expect(found?.version).toMatch(/\d/);
    expect(path.isAbsolute(found?.path ?? '')).toBe(true);
    if (found) expect(await encoderOrProblem(found, limits)).toMatch(/264/);
  });
});
