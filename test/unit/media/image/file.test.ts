/** Which files may be read as a picture; the bytes that were checked are sent. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readImageFile } from '../../../../src/media/image/file.ts';
import { type ImageRules, loadImage } from '../../../../src/media/image/load.ts';
import { Problem } from '../../../../src/problems.ts';
import { makePng } from '../../../support/pictures.ts';

let folder: string;
let rules: ImageRules;
const picture = makePng({ width: 400, height: 400 });

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'image-file-')));
  for (const name of ['bare', 'project', 'allowed', 'out', 'secret', 'home']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'project', 'package.json'), '{}');
  for (const name of ['bare', 'project', 'allowed', 'out', 'secret', 'home']) {
    await writeFile(join(folder, name, 'a.png'), picture);
  }
  rules = {
    workingDir: join(folder, 'bare'),
    imageDirs: undefined,
    outputDir: undefined,
    homeDir: join(folder, 'home'),
    unrestricted: false,
  };
});

afterAll(() => rm(folder, { recursive: true }));

async function verdict(input: string, more: Partial<ImageRules> = {}): Promise<string> {
  try {
    const image = await loadImage(input, 'image', { ...rules, ...more });
    return image.kind === 'url' ? 'a URL' : 'read';
  } catch (error) {
    if (error instanceof Problem) return `${error.code}: ${error.message.replaceAll(folder, '')}`;
    throw error;
  }
}

test('a picture is read whole, and its sum is that of the bytes that are sent', async () => {
  const image = await loadImage(join(folder, 'bare/a.png'), 'image', rules);
  const sha256 = createHash('sha256').update(picture).digest('hex');
  expect(image).toEqual({ kind: 'bytes', bytes: picture, sha256, width: 400, height: 400, format: 'png', notes: [] });
});

test('~, file URLs and data URLs name pictures too', async () => {
  expect(await verdict('~/a.png')).toBe('read');
  expect(await verdict(`file://${folder}/home/a.png`)).toBe('read');
  expect(await verdict(`data:text/plain;base64,${picture.toString('base64')}`)).toBe('read');
  expect(await verdict('data:image/png;base64,aGVsbG8=')).toBe(
    'invalid_image: the picture in `image` is a text file; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  );
});

test('a relative path means something only in a project, or to a person at the command line', async () => {
  expect(await verdict('a.png')).toBe(
    'invalid_input: `image` is a relative path (a.png), but the folder this server was started in is not a project.',
  );
  expect(await verdict('./a.png', { workingDir: join(folder, 'project') })).toBe('read');
  expect(await verdict('a.png', { unrestricted: true })).toBe('read');
});

test('a path of the client’s own sandbox is reported as attached to the chat', async () => {
  for (const path of ['/mnt/user-data/uploads/cat.png', '/mnt/data/cat.png', '/home/claude/cat.png']) {
    expect(await verdict(path)).toBe(
      `image_not_found: \`image\` (${path}) is attached to the chat, in the client's own sandbox, not on this computer, so this server cannot read it.`,
    );
  }
  expect(await verdict(join(folder, 'none.png'))).toBe(
    'image_not_found: `image` (/none.png) does not exist on this computer.',
  );
});

test('a path is taken as it was written when exactly one file is meant, and the notes say so', async () => {
  await writeFile(join(folder, 'home/Shot 3.04\u202fPM.png'), picture);
  const image = await loadImage('`~/Shot 3.04 PM.png`', 'image', rules);
  expect(image.notes).toEqual([
    `\`image\` was read as ${join(folder, 'home/Shot 3.04\u202fPM.png')}: the quotes around it were removed; its spaces or accents were matched to those of the file`,
  ]);
  await writeFile(join(folder, 'home/b%20c.png'), picture);
  await writeFile(join(folder, 'home/b c.png'), picture);
  expect(await verdict('"~/b%20c.png"')).toBe(
    'invalid_input: `image` can mean two files: /home/b c.png and /home/b%20c.png.',
  );
  expect(await verdict('"~/none.png"')).toBe(
    'image_not_found: `image` (/home/none.png) does not exist on this computer.',
  );
});

test('only regular files are opened, and a pipe without a writer does not block', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
  expect(await verdict(join(folder, 'bare'))).toBe('invalid_image: `image` (/bare) is a folder, not a picture.');
  await expect(loadImage(join(folder, 'bare'), 'image', rules)).rejects.toMatchObject({
    hint: 'give the path of a picture (JPEG, PNG, WebP, AVIF, GIF or HEIC)',
  });
  expect(await verdict(join(folder, 'pipe'))).toBe('invalid_image: `image` (/pipe) is a pipe, not a picture.');
  expect(await verdict(join(folder, 'socket'))).toBe('invalid_image: `image` (/socket) is a socket, not a picture.');
  expect(await verdict('/dev/zero')).toBe('invalid_image: `image` (/dev/zero) is a device, not a picture.');
  await new Promise((resolve) => server.close(resolve));
});

test.skipIf(process.getuid?.() === 0)('a file without permission is reported as such', async () => {
  const path = join(folder, 'locked.png');
  await writeFile(path, picture);
  await chmod(path, 0o000);
  expect(await verdict(path)).toBe('image_not_allowed: `image` (/locked.png) cannot be read: no permission.');
});

test('broken places are reported, not thrown', async () => {
  await symlink('circle.png', join(folder, 'circle.png'));
  expect(await verdict(join(folder, 'circle.png'))).toMatch(/^invalid_image: .* leads back to itself\.$/);
  expect(await verdict(join(folder, 'bare/a.png/b.png'))).toMatch(/^image_not_found/);
  expect(await verdict(`/${'a'.repeat(300)}.png`)).toMatch(/^invalid_input: .* too long\.$/);
});

test('with image folders set, only these and the output folder are read, links resolved', async () => {
  const limited = { imageDirs: [join(folder, 'allowed')], outputDir: join(folder, 'out') };
  await symlink(join(folder, 'secret/a.png'), join(folder, 'allowed/link.png'));
  await symlink(join(folder, 'allowed'), join(folder, 'way-in'));
  const outside = (path: string) =>
    `image_not_allowed: \`image\` (${path}) is outside the folders that images may be read from (JIMENG_VIDEO_IMAGE_DIRS and the output folder).`;
  expect(await verdict(join(folder, 'allowed/a.png'), limited)).toBe('read');
  expect(await verdict(join(folder, 'out/a.png'), limited)).toBe('read');
  expect(await verdict(join(folder, 'way-in/a.png'), limited)).toBe('read');
  expect(await verdict(join(folder, 'secret/a.png'), limited)).toBe(outside('/secret/a.png'));
  expect(await verdict(join(folder, 'allowed/../secret/a.png'), limited)).toBe(outside('/secret/a.png'));
  expect(await verdict(join(folder, 'allowed/link.png'), limited)).toBe(outside('/allowed/link.png'));
  // Whether something exists outside, and what, is not revealed.
  expect(await verdict(join(folder, 'secret/none.png'), limited)).toBe(outside('/secret/none.png'));
  expect(await verdict(join(folder, 'secret'), limited)).toBe(outside('/secret'));
  expect(await verdict(`"${folder}/secret/a.png"`, limited)).toBe(outside('/secret/a.png'));
  expect(await verdict(`"${folder}/allowed/a.png"`, limited)).toBe('read');
  for (const name of ['secret/c%20d.png', 'secret/c d.png']) await writeFile(join(folder, name), picture);
  expect(await verdict(`"${folder}/secret/c%20d.png"`, limited)).toBe(outside('/secret/c%20d.png'));
  expect(await verdict(join(folder, 'allowed/none.png'), limited)).toMatch(/^image_not_found/);
  expect(await verdict(join(folder, 'allowed/a.png'), { imageDirs: [], outputDir: undefined })).toMatch(
    /^image_not_allowed/,
  );
  expect(
    await verdict(relative(process.cwd(), join(folder, 'secret/a.png')), {
      ...limited,
      workingDir: process.cwd(),
      unrestricted: true,
    }),
  ).toBe('read');
});

test('a link that is exchanged while it is checked never leads outside', async () => {
  const limited = { ...rules, imageDirs: [join(folder, 'allowed')] };
  const path = join(folder, 'allowed/swapped.png');
  await writeFile(join(folder, 'secret/b.png'), 'SECRET');
  await symlink(join(folder, 'allowed/a.png'), path);
  let swapping = true;
  const swapper = (async () => {
    for (let turn = 0; swapping; turn += 1) {
      await symlink(join(folder, turn % 2 ? 'allowed/a.png' : 'secret/b.png'), `${path}.new`);
      await rename(`${path}.new`, path);
    }
  })();
  const outcomes = new Set<string>();
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const bytes = await readImageFile(path, 'image', limited).catch((error: Problem) => error.code);
    outcomes.add(bytes.toString('latin1').slice(0, 20));
  }
  swapping = false;
  await swapper;
  expect([...outcomes]).not.toContain('SECRET');
  expect([...outcomes]).toContain('image_not_allowed');
});
