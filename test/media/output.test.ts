/** Is a video saved only where it may be, and is that place proven before anything is paid? */
import { chmod, link, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseDestination, isProject, type OutputRules, publish } from '../../src/media/output.ts';
import { reserveAndRename } from '../../src/media/output-publish.ts';

let root: string;
let rules: OutputRules;

beforeEach(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'output-')));
  const [outputDir, allowed, workingDir] = ['videos', 'allowed', 'work'].map((name) => path.join(root, name));
  for (const folder of ['videos', 'allowed', 'work', 'elsewhere']) await mkdir(path.join(root, folder));
  rules = { outputDir, allowedDirs: [allowed as string], workingDir: workingDir as string, unrestricted: false };
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const inside = (...names: string[]) => path.join(root, ...names);
const NOT_ALLOWED = { code: 'output_not_allowed' };
const NOT_WRITABLE = { code: 'output_not_writable' };

async function refusalOf(output: string | undefined, with_: OutputRules = rules): Promise<Error> {
  return await chooseDestination(output, with_).then(
    (chosen) => expect.fail(`chose ${JSON.stringify(chosen)}`),
    (error: Error) => error,
  );
}

describe('without `output`', () => {
  test('the output folder is taken, made where missing, and left empty', async () => {
    const outputDir = inside('new', 'Jimeng');
    const chosen = await chooseDestination(undefined, { ...rules, outputDir });
    expect(chosen).toEqual({ folder: outputDir, fileName: undefined });
    expect(await readdir(outputDir)).toEqual([]);
  });

  test('and without an output folder, only links are given', async () => {
    expect(await chooseDestination(undefined, { ...rules, outputDir: undefined })).toBeUndefined();
  });
});

describe('`output`', () => {
  test.each([
    ['dog', 'videos', 'dog.mp4'],
    ['dog.mp4', 'videos', 'dog.mp4'],
    ['dog.MP4', 'videos', 'dog.MP4'],
    ['dog.mov', 'videos', 'dog.mov.mp4'],
    ['金毛 犬', 'videos', '金毛 犬.mp4'],
    ['trip/dog', 'videos/trip', 'dog.mp4'],
    ['trip/', 'videos/trip', undefined],
    ['there', 'videos/there', undefined],
    ['.', 'videos', undefined],
    ['trip/..', 'videos', undefined],
    ['trip/../dog', 'videos', 'dog.mp4'],
  ])('%j is relative to the output folder', async (output, folder, fileName) => {
    await mkdir(inside('videos', 'there'));
    expect(await chooseDestination(output, rules)).toEqual({ folder: inside(folder), fileName });
  });

  test('may name an allowed folder, as a path or a file URL', async () => {
    const expected = { folder: inside('allowed'), fileName: 'dog.mp4' };
    expect(await chooseDestination(inside('allowed', 'dog'), rules)).toEqual(expected);
    expect(await chooseDestination(`file://${inside('allowed', 'dog')}`, rules)).toEqual(expected);
  });

  test('may name the working directory only when it is a project', async () => {
    expect(await refusalOf(inside('work', 'dog'))).toMatchObject(NOT_ALLOWED);
    await writeFile(inside('work', 'package.json'), '{}');
    expect(await isProject(inside('work'))).toBe(true);
    expect(await chooseDestination(inside('work', 'dog'), rules)).toMatchObject({ folder: inside('work') });
    expect(await chooseDestination('dog', { ...rules, outputDir: undefined })).toMatchObject({
      folder: inside('work'),
    });
  });

  test('that is relative has no base without an output folder and a project', async () => {
    const refusal = await refusalOf('dog', { ...rules, outputDir: undefined });
    expect(refusal).toMatchObject({ ...NOT_ALLOWED, mend: expect.stringContaining('JIMENG_VIDEO_OUTPUT_DIR') });
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
    const chosen = await chooseDestination('dog', { ...rules, outputDir: inside('linked') });
    expect(chosen).toEqual({ folder: inside('elsewhere'), fileName: 'dog.mp4' });
  });

  test('is anywhere, relative to the current folder, where a person gives it', async () => {
    const person = { ...rules, unrestricted: true };
    expect(await chooseDestination('dog', person)).toEqual({ folder: inside('work'), fileName: 'dog.mp4' });
    expect(await chooseDestination('../elsewhere/new/', person)).toMatchObject({ folder: inside('elsewhere', 'new') });
    expect(await chooseDestination('~/', person)).toMatchObject({ folder: await realpath(homedir()) });
    expect(await chooseDestination(undefined, person)).toMatchObject({ folder: inside('videos') });
  });
});

describe('a place that cannot be written', () => {
  test('is told with its path: a file where a folder should be', async () => {
    await writeFile(inside('videos', 'file'), '');
    const refusal = await refusalOf('file/dog');
    expect(refusal).toMatchObject(NOT_WRITABLE);
    expect(refusal.message).toContain(inside('videos', 'file'));
  });

  test.skipIf(process.getuid?.() === 0)('is told with its path: no permission (not testable as root)', async () => {
    await chmod(inside('videos'), 0o500);
    expect(await refusalOf('dog')).toMatchObject(NOT_WRITABLE);
  });

  test('is told with its path: a file system that takes no files', async () => {
    const person = { ...rules, unrestricted: true };
    expect(await refusalOf('/proc/self/dog', person)).toMatchObject(NOT_WRITABLE);
  });
});

describe('publish', () => {
  async function finished(text: string): Promise<string> {
    await writeFile(inside('videos', '.part'), text);
    return inside('videos', '.part');
  }

  test('gives the name, and removes the .part', async () => {
    const saved = await publish(await finished('one'), inside('videos'), 'dog.mp4');
    expect(saved).toBe(inside('videos', 'dog.mp4'));
    expect(await readdir(inside('videos'))).toEqual(['dog.mp4']);
  });

  test('never overwrites: a number is added, also before a symbolic link that leads nowhere', async () => {
    await writeFile(inside('videos', 'dog.mp4'), 'mine');
    await symlink(inside('elsewhere', 'x'), inside('videos', 'dog (2).mp4'));
    expect(await publish(await finished('new'), inside('videos'), 'dog.mp4')).toBe(inside('videos', 'dog (3).mp4'));
    expect(await readFile(inside('videos', 'dog.mp4'), 'utf8')).toBe('mine');
    expect(await readdir(inside('elsewhere'))).toEqual([]);
  });

  test('of many at once gives each its own name', async () => {
    const parts = Array.from({ length: 12 }, (_, index) => inside('videos', `.${index}`));
    await Promise.all(parts.map((part) => writeFile(part, part)));
    const saved = await Promise.all(parts.map((part) => publish(part, inside('videos'), 'dog.mp4')));
    expect(new Set(saved).size).toBe(12);
    for (const [index, place] of saved.entries()) expect(await readFile(place, 'utf8')).toBe(parts[index]);
  });

  test('without hard links reserves the name, never overwrites, and leaves no empty file when it fails', async () => {
    await link(await finished('one'), inside('videos', 'taken.mp4'));
    expect(await reserveAndRename(inside('videos', '.part'), inside('videos', 'taken.mp4'))).toBe(false);
    expect(await reserveAndRename(inside('videos', '.part'), inside('videos', 'free.mp4'))).toBe(true);
    expect(await readFile(inside('videos', 'free.mp4'), 'utf8')).toBe('one');
    await expect(reserveAndRename(inside('videos', '.part'), inside('videos', 'gone.mp4'))).rejects.toThrow('ENOENT');
    expect((await readdir(inside('videos'))).sort()).toEqual(['free.mp4', 'taken.mp4']);
  });

  test('does not follow a folder that was swapped for a symbolic link', async () => {
    const part = await finished('one');
    await rm(inside('elsewhere'), { recursive: true });
    await symlink(inside('allowed'), inside('elsewhere'));
    await expect(publish(part, inside('elsewhere'), 'dog.mp4')).rejects.toMatchObject({ code: 'save_failed' });
    expect(await readdir(inside('allowed'))).toEqual([]);
  });

  test('into a folder that was removed is told with the path', async () => {
    const part = await finished('one');
    await rm(inside('elsewhere'), { recursive: true });
    const saving = publish(part, inside('elsewhere'), 'dog.mp4');
    await expect(saving).rejects.toMatchObject({
      code: 'save_failed',
      message: expect.stringContaining(inside('elsewhere', 'dog.mp4')),
    });
  });
});
