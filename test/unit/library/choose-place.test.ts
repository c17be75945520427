/** A video is saved only where it may be, and the place is proven before anything is paid. */
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { choosePlace, type PlaceRules } from '../../../src/library/choose-place.ts';
import type { Caller, Place } from '../../../src/library/library.ts';
import { type FileSystem, isProject, nodeFiles } from '../../../src/system/files.ts';
import { failing, failingFirst } from '../../support/failing-files.ts';

let root: string;
let rules: PlaceRules;

beforeEach(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'output-')));
  const [outputDir, allowed, workingDir] = ['videos', 'allowed', 'work'].map((name) => path.join(root, name));
  for (const folder of ['videos', 'allowed', 'work', 'elsewhere']) await mkdir(path.join(root, folder));
  rules = { outputDir, allowedDirs: [allowed as string], workingDir: workingDir as string, homeDir: homedir() };
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const inside = (...names: string[]) => path.join(root, ...names);
const NOT_ALLOWED = { code: 'output_not_allowed' };
const NOT_WRITABLE = { code: 'output_not_writable' };

const AGENT: Caller = { kind: 'local-agent' };
const PERSON: Caller = { kind: 'terminal' };

async function choose(
  output: string | undefined,
  caller: Caller = AGENT,
  changes: Partial<PlaceRules> = {},
  fs: FileSystem = nodeFiles,
): Promise<Place | undefined> {
  return await choosePlace(output, caller, { ...rules, ...changes }, { fs, clock: systemClock });
}

async function refusalOf(...given: Parameters<typeof choose>): Promise<Error> {
  return await choose(...given).then(
    (chosen) => expect.fail(`chose ${JSON.stringify(chosen)}`),
    (error: Error) => error,
  );
}

describe('without `output`', () => {
  test('the output folder is taken, made where missing, and left empty', async () => {
    const outputDir = inside('new', 'Jimeng');
    const chosen = await choose(undefined, AGENT, { outputDir });
    expect(chosen).toEqual({ folder: outputDir });
    expect(await readdir(outputDir)).toEqual([]);
  });

  test('and without an output folder, only links are given', async () => {
    expect(await choose(undefined, AGENT, { outputDir: undefined })).toBeUndefined();
  });
});

describe('`output`', () => {
  test.each([
    ['dog', 'videos', 'dog.mp4'],
    ['dog.mp4', 'videos', 'dog.mp4'],
    ['dog.MP4', 'videos', 'dog.MP4'],
    ['dog.mov', 'videos', 'dog.mp4'],
    ['trip/shot.MKV', 'videos/trip', 'shot.mp4'],
    ['v1.2', 'videos', 'v1.2.mp4'],
    ['.mov', 'videos', '.mov.mp4'],
    ['notes.txt', 'videos', 'notes.txt.mp4'],
    ['金毛 犬', 'videos', '金毛 犬.mp4'],
    ['trip/dog', 'videos/trip', 'dog.mp4'],
    ['trip/', 'videos/trip', undefined],
    ['there', 'videos/there', undefined],
    ['.', 'videos', undefined],
    ['trip/..', 'videos', undefined],
    ['trip/../dog', 'videos', 'dog.mp4'],
  ])('%j is relative to the output folder', async (output, folder, name) => {
    await mkdir(inside('videos', 'there'));
    expect(await choose(output)).toEqual({ folder: inside(folder), ...(name && { name }) });
  });

  test('may name an allowed folder, as a path or a file URL', async () => {
    const expected = { folder: inside('allowed'), name: 'dog.mp4' };
    expect(await choose(inside('allowed', 'dog'))).toEqual(expected);
    expect(await choose(`file://${inside('allowed', 'dog')}`)).toEqual(expected);
  });

  test('may name the working directory only when it is a project', async () => {
    expect(await refusalOf(inside('work', 'dog'))).toMatchObject(NOT_ALLOWED);
    await writeFile(inside('work', 'package.json'), '{}');
    expect(await isProject(inside('work'), nodeFiles)).toBe(true);
    expect(await choose(inside('work', 'dog'))).toMatchObject({ folder: inside('work') });
    expect(await choose('dog', AGENT, { outputDir: undefined })).toMatchObject({
      folder: inside('work'),
    });
  });

  test('that is relative has no base without an output folder and a project', async () => {
    const refusal = await refusalOf('dog', AGENT, { outputDir: undefined });
    expect(refusal).toMatchObject({ ...NOT_ALLOWED, hint: expect.stringContaining('JIMENG_VIDEO_OUTPUT_DIR') });
  });

  test.each(['../elsewhere/dog', '../videos2/dog', '/etc/dog', '~/dog', '~', '..'])(
    'may not leave with %j, and the sentence names what is allowed',
    async (output) => {
      const refusal = await refusalOf(output);
      expect(refusal).toMatchObject(NOT_ALLOWED);
      expect(refusal.message).toContain(inside('videos'));
      expect(refusal.message).toContain(inside('allowed'));
    },
  );

  test.each([
    ...['', '  ', 'a\u0000b', 'a\nb', '//server/share/x', '\\\\server\\share', '\\\\?\\C:\\x', 'file://server/share/x'],
    ...[
      'https://example.com/x.mp4',
      'file:///tmp/%00',
      '~root/x',
      'C:\\Users\\me\\x.mp4',
      'a\\b',
      `${'x'.repeat(237)}`,
    ],
  ])('%j is refused', async (output) => expect(await refusalOf(output)).toMatchObject(NOT_ALLOWED));

  test('may not leave through a symbolic link, nor through one whose target does not exist yet', async () => {
    await symlink(inside('elsewhere'), inside('videos', 'out'));
    await symlink(inside('elsewhere', 'later'), inside('videos', 'dangling'));
    expect(await refusalOf('out/dog')).toMatchObject(NOT_ALLOWED);
    expect(await refusalOf('out/new/dog')).toMatchObject(NOT_ALLOWED);
    expect(await refusalOf('dangling/')).toBeInstanceOf(Error);
    expect(await readdir(inside('elsewhere'))).toEqual([]);
  });

  test('inside an output folder that is itself a symbolic link is allowed', async () => {
    await symlink(inside('elsewhere'), inside('linked'));
    const chosen = await choose('dog', AGENT, { outputDir: inside('linked') });
    expect(chosen).toEqual({ folder: inside('elsewhere'), name: 'dog.mp4' });
  });

  test('is anywhere, relative to the current folder, where a person gives it', async () => {
    expect(await choose('dog', PERSON)).toEqual({ folder: inside('work'), name: 'dog.mp4' });
    expect(await choose('../elsewhere/new/', PERSON)).toEqual({ folder: inside('elsewhere', 'new') });
    expect(await choose('~/', PERSON)).toEqual({ folder: await realpath(homedir()) });
    expect(await choose(undefined, PERSON)).toEqual({ folder: inside('videos') });
  });

  test('may name a root that the client offers, and a relative path is looked up in it', async () => {
    const roots = [`file://${inside('elsewhere')}`, 'no path', 'file://other/host'];
    const offered: Caller = { kind: 'local-agent', roots };
    await mkdir(inside('elsewhere', 'assets'));
    expect(await choose(inside('elsewhere', 'dog'), offered)).toEqual({ folder: inside('elsewhere'), name: 'dog.mp4' });
    const assets = inside('elsewhere', 'assets');
    expect(await choose('assets/dog', offered)).toEqual({ folder: assets, name: 'dog.mp4' });
    expect(await choose('other/dog', offered)).toEqual({ folder: inside('videos', 'other'), name: 'dog.mp4' });
    expect(await choose('dog', offered)).toEqual({ folder: inside('videos'), name: 'dog.mp4' });
    expect(await choose('dog', offered, { outputDir: undefined })).toMatchObject({ folder: inside('elsewhere') });
    expect(await refusalOf(inside('work', 'dog'), offered)).toMatchObject(NOT_ALLOWED);
  });
});

describe('`output` as people and models write it', () => {
  test.each([
    ['"trip/dog.mp4"', 'videos/trip'],
    ["'trip/dog.mp4'", 'videos/trip'],
    ['`trip/dog.mp4`', 'videos/trip'],
    ['“trip/dog.mp4”', 'videos/trip'],
    ['<trip/dog.mp4>', 'videos/trip'],
    ['[dog.mp4](trip/dog.mp4)', 'videos/trip'],
    [' trip/dog.mp4\n', 'videos/trip'],
    ['"`trip/dog.mp4`"', 'videos/trip'],
    ['my\\ trip/dog.mp4', 'videos/my trip'],
    ['$HOME/dog.mp4', 'videos'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a caller may write
    ['${HOME}/dog.mp4', 'videos'],
    ['%USERPROFILE%/dog.mp4', 'videos'],
    ['@~/dog.mp4', 'videos'],
    ['@trip/dog.mp4', 'videos/trip'],
    ['"trip/dog.mp4', 'videos/trip'],
    ['„trip/dog.mp4“', 'videos/trip'],
    ['《trip/dog.mp4》', 'videos/trip'],
    ['＂trip/dog.mp4＂', 'videos/trip'],
    ['![dog](<my trip/dog.mp4> "the dog")', 'videos/my trip'],
    ['the dog\u2019s trip/dog.mp4', 'videos/the dog\u2019s trip'],
  ])('%j names one file', async (output, folder) => {
    const place = await choose(output, AGENT, { homeDir: inside('videos') });
    expect(place).toEqual({ folder: inside(folder), name: 'dog.mp4' });
  });

  test.each([
    '"',
    'trip/"dog".mp4',
    "'trip/dog",
    '$OUT/dog',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a caller may write
    'trip/${X}/dog',
    '%APPDATA%/dog',
    'sandbox:/mnt/data/dog.mp4',
    'sandbox:dog',
    'https:/example.com/dog.mp4',
    'data:video/mp4;base64,AAAA',
    'task:jv-1',
  ])('%j is refused, and no folder is made', async (output) => {
    for (const caller of [AGENT, PERSON]) expect(await refusalOf(output, caller)).toMatchObject(NOT_ALLOWED);
    expect([await readdir(inside('videos')), await readdir(inside('work'))]).toEqual([[], []]);
  });
});

describe('a folder that exists, in letters that only look the same', () => {
  test.each([
    ['Screen\u202fshots', 'Screen shots'],
    ['Screen\u00a0shots', 'Screen shots'],
    ['cafe\u0301', 'caf\u00e9'],
    ['caf\u00e9', 'cafe\u0301'],
  ])('%j is used for %j, also in the middle of a path', async (existing, written) => {
    await mkdir(inside('videos', existing));
    for (const caller of [AGENT, PERSON]) {
      const base = caller === PERSON ? inside('videos') : '.';
      expect(await choose(`${base}/${written}/`, caller)).toEqual({ folder: inside('videos', existing) });
      expect(await choose(`${base}/${written}`, caller)).toEqual({ folder: inside('videos', existing) });
      const file = { folder: inside('videos', existing, 'new'), name: 'dog.mp4' };
      expect(await choose(`${base}/${written}/new/dog`, caller)).toEqual(file);
    }
    expect(await readdir(inside('videos'))).toEqual([existing]);
  });

  test('one that has the very name comes first, and of several none is meant', async () => {
    for (const name of ['a\u202fb', 'a b', 'c\u202fd', 'c\u00a0d']) await mkdir(inside('videos', name));
    expect(await choose('a b/dog')).toMatchObject({ folder: inside('videos', 'a b') });
    expect(await choose('c d/dog')).toMatchObject({ folder: inside('videos', 'c d') });
  });

  test('that leads out of the allowed folders is not used', async () => {
    await symlink(inside('elsewhere'), inside('videos', 'a\u202fb'));
    expect(await refusalOf('a b/dog')).toMatchObject(NOT_ALLOWED);
  });
});

describe('a place that cannot be written', () => {
  test('is reported with its path: a file where a folder should be', async () => {
    await writeFile(inside('videos', 'file'), '');
    const refusal = await refusalOf('file/dog');
    expect(refusal).toMatchObject(NOT_WRITABLE);
    expect(refusal.message).toContain(inside('videos', 'file'));
  });

  test.skipIf(process.getuid?.() === 0)('is reported with its path: no permission (not testable as root)', async () => {
    await chmod(inside('videos'), 0o500);
    expect(await refusalOf('dog')).toMatchObject(NOT_WRITABLE);
  });

  test('is reported with its path: a file system that takes no files', async () => {
    expect(await refusalOf('/proc/self/dog', PERSON)).toMatchObject(NOT_WRITABLE);
  });

  test.each([AGENT, PERSON])('is a link to a disk that is unplugged: called that for %j', async (caller) => {
    await symlink('/media/not/plugged/in', inside('unplugged'));
    const refusal = await refusalOf(undefined, caller, { outputDir: inside('unplugged', 'Jimeng') });
    expect(refusal).toMatchObject({ ...NOT_WRITABLE, hint: expect.stringContaining('connect that disk') });
    expect(refusal.message).toContain(`"${inside('unplugged')}" is a link to "/media/not/plugged/in"`);
  });

  test('one allowed folder on an unplugged disk does not keep the others from being used', async () => {
    await symlink('/media/not/plugged/in', inside('unplugged'));
    const allowedDirs = [inside('unplugged'), inside('allowed')];
    expect(await choose(inside('allowed', 'dog'), AGENT, { allowedDirs })).toMatchObject({ folder: inside('allowed') });
  });

  test.each(['EBUSY', 'EPERM', 'EACCES'])('answers open with %s three times: it can be written', async (code) => {
    const fs = { ...nodeFiles, open: failingFirst(code, 3, nodeFiles.open) };
    expect(await choose('dog', AGENT, {}, fs)).toMatchObject({ folder: inside('videos') });
  });

  test('answers open with EACCES each time: it cannot', async () => {
    expect(await refusalOf('dog', AGENT, {}, { ...nodeFiles, open: failing('EACCES') })).toMatchObject(NOT_WRITABLE);
  });
});
