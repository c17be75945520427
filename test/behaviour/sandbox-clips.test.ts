/** The clips that the sandbox draws, looked at with ffmpeg: what a player shows of them. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ASPECT_RATIOS } from '../../src/jimeng/modes.ts';
import { CLIP_SIZES } from '../../src/sandbox/check-image.ts';
import { drawClip } from '../../src/sandbox/clip/draw.ts';
import { readFont } from '../../src/sandbox/clip/font.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../support/sandbox.ts';
import { finishedLink, pngHeader, post, QUERY, queryTask, submitTask } from '../unit/sandbox/signed-requests.ts';

const folder = mkdtempSync(join(tmpdir(), 'sandbox-clips-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasNoFfmpeg = (() => {
  try {
    execFileSync('ffprobe', ['-version'], { stdio: 'ignore' });
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
})();

let files = 0;
function file(bytes: Uint8Array | string, extension: string): string {
  const path = join(folder, `${files++}.${extension}`);
  writeFileSync(path, bytes);
  return path;
}

// Not the synchronous one: the sandbox and its client live in this process, and their connections must not starve.
const exec = promisify(execFile);
const BINARY = { encoding: 'buffer', maxBuffer: 1 << 30 } as const;

/** @returns what ffmpeg writes to stdout, when no warning comes with it */
async function ffmpeg(...options: string[]): Promise<Buffer> {
  const { stdout, stderr } = await exec('ffmpeg', ['-nostdin', '-v', 'warning', ...options], BINARY);
  expect(stderr.toString('utf8')).toBe('');
  return stdout;
}

/** Soft, because the colours of a video have half the resolution of its light. */
async function picture(source: string, size: string, codec: 'png' | 'mjpeg' = 'png'): Promise<Buffer> {
  const format = codec === 'png' ? [] : ['-pix_fmt', 'yuvj444p', '-q:v', '2'];
  const options = ['-v', 'error', '-f', 'lavfi', '-i', `${source}=s=${size}`, '-vf', 'gblur=sigma=4', '-frames:v', '1'];
  return await ffmpeg(...options, '-c:v', codec, ...format, '-f', 'image2pipe', '-');
}

const RGB = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
const COLOURS = 'scale=in_color_matrix=bt709:in_range=tv';
const frameOf = (clip: string, frame: number) =>
  ffmpeg('-i', clip, '-vf', `select=eq(n\\,${frame}),${COLOURS}`, '-frames:v', '1', ...RGB);
const scaled = (image: string, size: string) =>
  ffmpeg('-v', 'error', '-i', image, '-vf', `scale=${size}:flags=area`, ...RGB);

/** Peak signal-to-noise ratio in dB of two pictures of 8 bits a channel; above 35 they look the same. */
function likeness(one: Buffer, other: Buffer): number {
  expect(one.length).toBe(other.length);
  let squares = 0;
  for (let at = 0; at < one.length; at++) squares += ((one[at] ?? 0) - (other[at] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.length));
}

async function ffprobe(...options: string[]): Promise<string> {
  return (await exec('ffprobe', ['-v', 'error', ...options])).stdout.trim();
}

async function probe(clip: string): Promise<string> {
  const entries = 'stream=codec_name,width,height,r_frame_rate,has_b_frames,nb_read_frames';
  return await ffprobe('-count_frames', '-show_entries', entries, '-of', 'csv=p=0', clip);
}

/** The decoder's configuration, byte for byte. */
function avcCOf(clip: Uint8Array): string {
  const bytes = Buffer.from(clip);
  const at = bytes.indexOf('avcC');
  return bytes.toString('hex', at + 4, at - 4 + bytes.readUInt32BE(at - 4));
}

async function drawingSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ clips: 'drawn', generationSeconds: 0, requestsPerSecond: 1000, ...options });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

async function clipOf(sandbox: Sandbox, body: object): Promise<string> {
  return await download(await finishedLink(sandbox, body));
}
async function download(link: string): Promise<string> {
  const response = await fetch(link);
  expect(response.status).toBe(200);
  return file(new Uint8Array(await response.arrayBuffer()), 'mp4');
}

const FIRST = { req_key: 'jimeng_i2v_first_v30', prompt: 'a cat' };
const TEXT = { req_key: 'jimeng_t2v_v30' };
const withImages = (body: object, ...images: Buffer[]) => ({
  ...body,
  binary_data_base64: images.map((image) => image.toString('base64')),
});

const SIZES = Object.values(CLIP_SIZES).flatMap((row) => ASPECT_RATIOS.map((ratio) => row[ratio]));

describe.skipIf(hasNoFfmpeg)('a drawn clip', { timeout: 60_000 }, () => {
  test.each(SIZES)(
    'of %i × %i has 24 frames a second, decodes without a warning, and shares its decoder configuration',
    async (width, height) => {
      const font = readFont();
      const draw = (frames: number, prompt: string) =>
        drawClip({ width, height, frames, lines: ['Sandbox', prompt], images: [] }, font);
      const [short, long] = [await draw(9, 'one'), await draw(121, 'two')];
      const clip = file(long, 'mp4');
      expect(await probe(clip)).toBe(`h264,${width},${height},0,24/1,121`);
      await ffmpeg('-i', clip, '-f', 'null', '-');
      expect(avcCOf(long)).toBe(avcCOf(short));
    },
  );

  test('made from an image begins with that image, and shows mode and prompt on it later', async () => {
    const png = await picture('testsrc2', '1248x704');
    const clip = await clipOf(await drawingSandbox(), withImages(FIRST, png));
    const given = await scaled(file(png, 'png'), '1248:704');
    expect(likeness(await frameOf(clip, 0), given)).toBeGreaterThan(35);
    const [first, later] = [await frameOf(clip, 0), await frameOf(clip, 60)];
    const picturePart = first.length * 0.8;
    expect(later.subarray(0, picturePart).equals(first.subarray(0, picturePart))).toBe(true);
    expect(later.equals(first)).toBe(false);
  });

  test('made from a JPEG of another size begins with it, scaled', async () => {
    const jpeg = await picture('mandelbrot', '2496x1408', 'mjpeg');
    const clip = await clipOf(await drawingSandbox(), withImages(FIRST, jpeg));
    expect(likeness(await frameOf(clip, 0), await scaled(file(jpeg, 'jpg'), '1248:704'))).toBeGreaterThan(35);
  });

  test('made from two images ends with the tail', async () => {
    const [first, tail] = [await picture('mandelbrot', '1248x704'), await picture('smptehdbars', '1248x704')];
    const body = { req_key: 'jimeng_i2v_first_tail_v30', prompt: 'a cat', frames: 241 };
    const clip = await clipOf(await drawingSandbox(), withImages(body, first, tail));
    const likenessTo = async (frame: number, image: Buffer) =>
      likeness(await frameOf(clip, frame), await scaled(file(image, 'png'), '1248:704'));
    expect(await likenessTo(0, first)).toBeGreaterThan(35);
    expect(await likenessTo(240, tail)).toBeGreaterThan(35);
    expect(await likenessTo(240, first)).toBeLessThan(15);
  });

  test('made from the last frame of another one begins with that frame, and both join without encoding again', async () => {
    const sandbox = await drawingSandbox();
    const before = await clipOf(sandbox, { ...TEXT, prompt: 'shot one' });
    const lastFrame = await ffmpeg(
      '-i',
      before,
      '-vf',
      `select=eq(n\\,120),${COLOURS}`,
      '-frames:v',
      '1',
      '-f',
      'image2pipe',
      '-c:v',
      'png',
      '-',
    );
    const after = await clipOf(sandbox, withImages({ ...FIRST, prompt: 'shot two' }, lastFrame));
    expect(likeness(await frameOf(after, 0), await frameOf(before, 120))).toBeGreaterThan(40);
    expect(likeness(await frameOf(after, 120), await frameOf(before, 120))).toBeLessThan(35);
    const list = file(`file '${before}'\nfile '${after}'\n`, 'txt');
    const film = file('', 'mp4');
    await ffmpeg('-y', '-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy', film);
    expect(await probe(film)).toBe('h264,1248,704,0,24/1,242');
    await ffmpeg('-i', film, '-f', 'null', '-');
  });

  test('shows its own prompt, in Chinese, too', async () => {
    const sandbox = await drawingSandbox();
    const first = async (prompt: string) => frameOf(await clipOf(sandbox, { ...TEXT, prompt }), 0);
    const [one, other] = [await first('千军万马'), await first('万马千军')];
    expect(one.equals(other)).toBe(false);
    const { glyphOf } = readFont();
    expect(glyphOf('千').rows).not.toEqual(glyphOf('军').rows);
    expect(glyphOf('千').rows).not.toEqual(glyphOf('😀').rows);
  });

  test('is drawn although its picture cannot be decoded', async () => {
    const clip = await clipOf(await drawingSandbox(), withImages(FIRST, pngHeader(1248, 704)));
    expect(await probe(clip)).toBe('h264,1248,704,0,24/1,121');
  });
});

describe.skipIf(hasNoFfmpeg)('a later sandbox', { timeout: 60_000 }, () => {
  const png = () => picture('mandelbrot', '1248x704');

  test('shows what was submitted to an earlier one, where both keep their inputs in one folder', async () => {
    const kept = join(folder, 'inputs');
    const image = await png();
    const earlier = await startSandbox({ clips: 'drawn', folder: kept });
    const taskId = await submitTask(earlier, withImages(FIRST, image));
    await earlier.close();
    const later = await drawingSandbox({ folder: kept });
    const link = (await queryTask(later, taskId, FIRST.req_key)).json.data.video_url;
    expect(
      likeness(await frameOf(await download(link), 0), await scaled(file(image, 'png'), '1248:704')),
    ).toBeGreaterThan(35);
  });

  test('delivers a clip of the right mode and size all the same without them', async () => {
    const earlier = await startSandbox({ clips: 'drawn' });
    const taskId = await submitTask(earlier, withImages({ ...FIRST, frames: 241 }, await png()));
    await earlier.close();
    const later = await drawingSandbox();
    const link = (await queryTask(later, taskId, FIRST.req_key)).json.data.video_url;
    expect(await probe(await download(link))).toBe('h264,1248,704,0,24/1,241');
  });
});

describe('the content label', { timeout: 60_000 }, () => {
  const meta = { producer_id: 'P-1', content_propagator: 'C-1', content_producer: '某公司', propagate_id: 'D-1' };
  const ask = (sandbox: Sandbox, taskId: string, req_json?: unknown) =>
    post(sandbox, { req_key: TEXT.req_key, task_id: taskId, ...(req_json ? { req_json } : {}) }, { action: QUERY });

  test.skipIf(hasNoFfmpeg)('of a query is in the file, and reported; without one it is neither', async () => {
    const sandbox = await drawingSandbox();
    const taskId = await submitTask(sandbox, { ...TEXT, prompt: 'a' });
    const tagsOf = async (link: string) => {
      return JSON.parse(await ffprobe('-show_entries', 'format_tags', '-of', 'json', await download(link))).format.tags;
    };
    const labelled = (await ask(sandbox, taskId, JSON.stringify({ aigc_meta: meta }))).json.data;
    expect(labelled).toMatchObject({ status: 'done', aigc_meta_tagged: true });
    const label = JSON.parse((await tagsOf(labelled.video_url)).AIGC);
    expect(label).toMatchObject({ Label: '1', ContentProducer: '某公司', ProduceID: 'P-1', ContentPropagator: 'C-1' });
    const plain = (await ask(sandbox, taskId)).json.data;
    expect(plain.aigc_meta_tagged).toBe(false);
    expect((await tagsOf(plain.video_url)).AIGC).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['no text', { aigc_meta: meta }],
    ['no JSON', '{'],
    ['no producer_id', JSON.stringify({ aigc_meta: { content_propagator: 'c' } })],
    ['another field', JSON.stringify({ aigc_meta: { ...meta, watermark: 'x' } })],
    ['something beside it', JSON.stringify({ aigc_meta: meta, logo_info: {} })],
    ['257 characters', JSON.stringify({ aigc_meta: { ...meta, producer_id: 'x'.repeat(257) } })],
  ])('that is malformed (%s) is refused by its field', async (_what, requestJson) => {
    const sandbox = await drawingSandbox();
    expect((await ask(sandbox, '1', requestJson)).json.message).toBe('Invalid Input Parameters: req_json');
  });
});
