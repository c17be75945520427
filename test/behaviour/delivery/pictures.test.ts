/** A local picture reaches the provider byte for byte, and nothing else leaves this computer. */
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Arguments, connect, openStage, type Session, type Stage } from '../../support/mcp-client.ts';
import { fillWithNoise, makeJpeg, makePng, makeWebp } from '../../support/pictures.ts';
import { sentPictures } from './sent-pictures.ts';

const PNG = makePng({
  width: 640,
  height: 360,
  fill: (rows) => {
    fillWithNoise(rows, [256]);
    for (let row = 0; row < 360; row += 1) rows[row * 1921] = 0;
  },
});
const PUBLIC_URL = 'https://example.com/first.png';

let stage: Stage;
/** Started in a project, with a home of its own: relative paths and `~`. */
let inProject: Session;
/** JIMENG_VIDEO_IMAGE_DIRS is the folder `allowed`. */
let restricted: Session;
let jpeg: Buffer;
const at = (...names: string[]) => join(stage.workspace.folder, ...names);

beforeAll(async () => {
  jpeg = await makeJpeg(360, 640);
  stage = await openStage();
  await Promise.all(['pictures', 'home', 'project', 'allowed', 'videos'].map((name) => mkdir(at(name))));
  await Promise.all([
    writeFile(at('project', 'package.json'), '{}'),
    ...['pictures', 'home', 'project', 'allowed', 'videos'].map((name) => writeFile(at(name, 'first.png'), PNG)),
    writeFile(at('pictures', 'tail.jpg'), jpeg),
    symlink(at('pictures', 'first.png'), at('allowed', 'link.png')),
  ]);
  const environment = stage.workspace.environment(stage.sandbox.url);
  inProject = await connect({ ...environment, HOME: at('home') }, at('project'));
  restricted = await connect({ ...environment, JIMENG_VIDEO_IMAGE_DIRS: at('allowed') });
});
afterAll(async () => {
  await Promise.all([inProject.close(), restricted.close()]);
  await stage.close();
});

async function send(session: Session, prompt: string, images: Arguments): Promise<Buffer[]> {
  const { report } = await session.call('submit_video_task', { prompt, ...images });
  expect([report.error, report.cost?.charge]).toEqual([undefined, 'none']);
  return sentPictures(stage, prompt);
}

async function refuse(session: Session, prompt: string, images: Arguments): Promise<string> {
  const { report, isError } = await session.call('submit_video_task', { prompt, ...images });
  expect([report.status, report.cost?.charge, isError]).toEqual(['refused', 'none', true]);
  expect(stage.sandbox.submits(prompt)).toEqual([]);
  return `${report.message} ${report.next_step}`;
}

describe('a picture reaches the provider byte for byte', () => {
  const ways: readonly (readonly [name: string, session: () => Session, image: () => string])[] = [
    ['a path', () => stage, () => at('pictures', 'first.png')],
    ['a file URL', () => stage, () => pathToFileURL(at('pictures', 'first.png')).href],
    ['a data URL', () => stage, () => `data:image/png;base64,${PNG.toString('base64')}`],
    ['a path from home', () => inProject, () => '~/first.png'],
    ['a relative path in a project', () => inProject, () => './first.png'],
    ['a path in an allowed folder', () => restricted, () => at('allowed', 'first.png')],
    ['a path in the output folder', () => restricted, () => at('videos', 'first.png')],
  ];
  it.concurrent.each(ways)('%s', async (name, session, image) => {
    const [sent] = await send(session(), name, { image: image() });
    expect(sent?.equals(PNG)).toBe(true);
  });

  it.concurrent('the first image comes first, the tail second', async () => {
    const images = { image: at('pictures', 'tail.jpg'), tail_image: at('pictures', 'first.png') };
    const sent = await send(stage, 'two pictures', images);
    expect([sent.length, sent[0]?.equals(jpeg), sent[1]?.equals(PNG)]).toEqual([2, true, true]);
  });
});

describe('a picture is taken as people write and save it, and the report says what was done', () => {
  it.concurrent('a path in backticks, and a WebP', async () => {
    await writeFile(at('pictures', 'people.webp'), await makeWebp(360, 640));
    const image = `\`${at('pictures', 'people.webp')}\``;
    const { report } = await stage.call('submit_video_task', { prompt: 'webp', image });
    expect(report.message).toContain('the quotes around it were removed');
    expect(report.message).toMatch(/people\.webp \d+ bytes WebP → \d+ kB JPEG, 360×640/);
    expect(sentPictures(stage, 'webp')[0]?.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  });

  it.concurrent('frames of different shape are mentioned', async () => {
    const images = { image: at('pictures', 'first.png'), tail_image: at('pictures', 'tail.jpg') };
    const { report } = await stage.call('submit_video_task', { prompt: 'shapes', ...images });
    expect(report.message).toContain('the last frame (360×640) differ in shape');
  });

  it.concurrent('the page of a picture is mentioned before anything is paid', async () => {
    const page = 'https://github.com/a/b/blob/main/c.png';
    const { report } = await stage.call('submit_video_task', { prompt: 'page', image: page, dry_run: true });
    expect([report.status, report.message]).toEqual([
      'checked',
      expect.stringContaining('looks like the URL of a web page (GitHub)'),
    ]);
    expect(stage.sandbox.submits('page')).toEqual([]);
  });
});

describe('what may not be read is refused, and nothing is sent', () => {
  it.concurrent('a local picture beside a URL', async () => {
    const images = { image: PUBLIC_URL, tail_image: at('pictures', 'tail.jpg') };
    const sentence = await refuse(stage, 'mixed', images);
    expect(sentence).toContain('both as URLs or both as files, and this server fetches no URL');
    expect(sentence).toContain('ave the picture of `image` to a file');
  });

  it.concurrent.each(['/mnt/data/x.png', '/mnt/user-data/uploads/x.png'])('%s of a chat', async (image) => {
    expect(await refuse(stage, image, { image })).toContain('is attached to the chat');
  });

  it.concurrent('a relative path where there is not a project', async () => {
    const sentence = await refuse(stage, 'no project', { image: 'pictures/first.png' });
    expect(sentence).toContain('is a relative path (pictures/first.png)');
    expect(sentence).toContain('ive the full path');
  });

  it.concurrent.each([
    ['a picture outside the allowed folders', () => at('pictures', 'first.png')],
    ['a link out of an allowed folder', () => at('allowed', 'link.png')],
    ['a path that climbs out', () => `${at('allowed')}/../pictures/first.png`],
    ['a file that is not there, outside', () => at('pictures', 'missing.png')],
  ] as const)('%s', async (name, image) => {
    const sentence = await refuse(restricted, name, { image: image() });
    expect(sentence).toContain('JIMENG_VIDEO_IMAGE_DIRS');
    expect(sentence).toContain(at('allowed'));
  });
});

describe('what is no picture is refused by what it is, and nothing is sent', () => {
  const heic = Buffer.concat([Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), Buffer.alloc(64)]);
  const webp = Buffer.concat([Buffer.from('RIFF\x40\0\0\0WEBPVP8 ', 'latin1'), Buffer.alloc(64)]);
  const files: readonly (readonly [name: string, bytes: Buffer, sentence: RegExp])[] = [
    ['photo.heic', heic, /photo\.heic is damaged: its HEIF structure/],
    ['photo.webp', webp, /photo\.webp is damaged: it is a WebP without a picture/],
    ['moving.gif', Buffer.from('GIF89a\x01\0\x01\0\0\0\0;', 'latin1'), /moving\.gif is damaged: it is a GIF without/],
    ['secrets.png', Buffer.from('VOLC_SECRETKEY=not a picture\n'), /secrets\.png is (a )?text.*in spite of its name/],
    ['empty.png', Buffer.alloc(0), /empty\.png is an empty file/],
    ['half.png', PNG.subarray(0, PNG.length >> 1), /half\.png .*(cut|end|whole|missing)/],
  ];
  it.concurrent.each(files)('%s', async (name, bytes, sentence) => {
    await writeFile(at(name), bytes);
    expect(await refuse(stage, `${name} ${bytes.length}`, { image: at(name) })).toMatch(sentence);
  });

  it.concurrent('a folder', async () => {
    expect(await refuse(stage, 'folder', { image: at('pictures') })).toContain('is a folder, not a picture');
  });

  it.skipIf(process.platform === 'win32')('a pipe, without waiting for its writer; a device', async () => {
    execFileSync('mkfifo', [at('pipe.png')]);
    expect(await refuse(stage, 'pipe', { image: at('pipe.png') })).toContain('is a pipe, not a picture');
    expect(await refuse(stage, 'device', { image: '/dev/zero' })).toContain('is a device, not a picture');
  });
});
