/** 4, 6 and 8 seconds and 25 and 30 fps are really delivered, and reported truthfully. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, ffmpegPath, hasNoFfmpeg, needsFfmpeg, probe } from '../../support/clips.ts';
import { openStage, type Reported, type Stage } from '../../support/mcp-client.ts';
import { holdsOnly, lookInto } from './delivered-files.ts';
import { openHurriedStage } from './hurried-stage.ts';

const TRIMMED = [
  { seconds: 4, billed: 5 },
  { seconds: 6, billed: 10 },
  { seconds: 8, billed: 10 },
] as const;

const CONVERTED = [
  { duration: 5, fps: 25, seconds: 121 / 24, billed: 5 },
  { duration: 4, fps: 30, seconds: 4, billed: 5 },
] as const;

/** What the report, the text and ffprobe say of the file is the same, and is what was asked for. */
async function expectDelivered(
  reported: Pick<Reported, 'report' | 'text'>,
  seconds: number,
  fps: number,
): Promise<void> {
  const { report, text } = reported;
  expect([report.status, report.error, report.video?.fps]).toEqual(['done', undefined, fps]);
  const path = report.video?.path ?? '';
  expect(text).toContain(`- FPS: ${fps}\n- Save Path: ${path}\n`);
  expect(text).toContain(`- Duration: ${Math.round(seconds)} seconds\n`);
  expect(Math.abs((report.video?.duration_seconds ?? 0) - seconds)).toBeLessThan(1.01 / fps);
  if (hasNoFfmpeg) return;
  expect((await probe(path)).fps).toBe(`${fps}/1`);
  const { pictures, complaints } = await decode(path);
  expect(complaints).toBe('');
  expect(Math.abs(pictures.length - seconds * fps)).toBeLessThanOrEqual(1);
  expect(pictures.length / fps).toBeCloseTo(report.video?.duration_seconds ?? 0, 3);
}

function expectBilled({ report }: Reported, asked: number, billed: number): void {
  expect(report.cost).toMatchObject({
    billed_seconds: billed,
    estimated_cny: billed === 5 ? 1.4 : 2.8,
    charge: 'none',
  });
  const note = `${billed} s were generated and billed; the file is trimmed to ${asked} s.`;
  expect(report.message.includes(note)).toBe(asked !== 5 && asked !== 10);
}

describe(`over stdio${needsFfmpeg}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    // An ffmpeg that is not there: whatever needs it is refused, so whatever works does not need it.
    stage = await openStage({}, { JIMENG_VIDEO_FFMPEG: '/nowhere/ffmpeg' });
  });
  afterAll(() => stage.close());

  it.concurrent.each(TRIMMED)('$seconds seconds need no ffmpeg', async ({ seconds, billed }) => {
    const given = { prompt: `${seconds} seconds`, duration: seconds, output: `${seconds}/`, wait_seconds: 50 };
    const reported = await stage.call('generate_video', given);
    await expectDelivered(reported, seconds, 24);
    expectBilled(reported, seconds, billed);
    const { names } = await lookInto(join(stage.workspace.outputDir, String(seconds)));
    expect(names).toHaveLength(1);
  });

  it.concurrent('a setting that names no ffmpeg is reported, and nothing is sent', async () => {
    const { report } = await stage.call('generate_video', { prompt: 'wrong setting', fps: 25 });
    expect([report.status, report.error?.code]).toEqual(['refused', 'ffmpeg_missing']);
    expect(report.message).toContain('JIMENG_VIDEO_FFMPEG is "/nowhere/ffmpeg"');
    expect(stage.sandbox.submits('wrong setting')).toEqual([]);
  });
});

describe('with no ffmpeg on the computer', () => {
  it('8 seconds are delivered; 25 and 30 frames a second are refused before any submit', async () => {
    const stage = await openHurriedStage();
    try {
      for (const asked of [{ fps: 25 }, { fps: 30 }, { fps: 30, duration: 4 }]) {
        const { report } = await stage.call('generate_video', { prompt: 'a rate', ...asked });
        expect([report.status, report.cost?.charge, report.error?.code]).toEqual(['refused', 'none', 'ffmpeg_missing']);
        expect(report.message).toContain(`${asked.fps} fps needs ffmpeg, which was not found`);
        expect(report.next_step).toContain('4, 5, 6, 8 and 10 seconds work without ffmpeg');
      }
      expect(stage.sandbox.requests).toEqual([]);
      const { report, text } = await stage.call('generate_video', {
        prompt: 'a rate',
        duration: 8,
        wait_seconds: 1800,
      });
      await expectDelivered({ report, text }, 8, 24);
    } finally {
      await stage.close();
    }
  });
});

it('with links only, a length that has to be trimmed is refused before paying', async () => {
  const stage = await openHurriedStage({ settings: { JIMENG_VIDEO_OUTPUT_DIR: 'none' } });
  try {
    const { report } = await stage.call('generate_video', { prompt: 'links', duration: 8 });
    expect(report.status).toBe('refused');
    expect(report.message).toContain('duration 8 needs the file to be saved here');
    expect(report.next_step).toContain('Use a duration of 5 or 10 s at 24 fps, or name a place to save to.');
    expect(stage.sandbox.requests).toEqual([]);
    const ten = await stage.call('generate_video', { prompt: 'links', duration: 10, wait_seconds: 1800 });
    expect([ten.report.status, ten.report.video?.path]).toEqual(['done', undefined]);
  } finally {
    await stage.close();
  }
});

describe.skipIf(hasNoFfmpeg)(`with ffmpeg${needsFfmpeg}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({}, { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' });
  });
  afterAll(() => stage.close());

  it.each(CONVERTED)('$duration seconds at $fps frames a second', async ({ duration, fps, seconds, billed }) => {
    const prompt = `${duration} seconds at ${fps}`;
    // Wide and low: the quickest to encode.
    const given = { prompt, duration, fps, aspect_ratio: '21:9', output: `${prompt}/`, wait_seconds: 40 };
    const reported = await stage.call('generate_video', given);
    await expectDelivered(reported, seconds, fps);
    expectBilled(reported, duration, billed);
    expect((await lookInto(join(stage.workspace.outputDir, prompt))).names).toHaveLength(1);
  });
});

/** Passes every check that is made before paying, and fails when it is given a video. */
const BROKEN_FFMPEG = `#!/bin/sh
case "$*" in
  *-version*) echo 'ffmpeg version 7.0-broken' ;;
  *-encoders*) echo ' V....D libx264 H.264' ;;
  *pipe:0*) cat > /dev/null ;;
  *) echo 'Segmentation fault' >&2; exit 1 ;;
esac
`;

describe.skipIf(process.platform === 'win32')('a conversion that fails', () => {
  let stage: Stage;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broken-ffmpeg-'));
    const program = join(folder, 'ffmpeg');
    await writeFile(program, BROKEN_FFMPEG, { mode: 0o755 });
    stage = await openStage({}, { JIMENG_VIDEO_FFMPEG: program });
  });
  afterAll(async () => {
    await stage.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    { duration: 5, fps: 25, made: '1248x704-121', seconds: 121 / 24 },
    { duration: 8, fps: 30, made: '1248x704-241', seconds: 241 / 24 },
  ])('keeps the original of $duration s at $fps fps, and says so', async ({ duration, fps, made, seconds }) => {
    const prompt = `broken ${fps}`;
    const given = { prompt, duration, fps, output: `${prompt}/`, wait_seconds: 50 };
    const { report, text, isError } = await stage.call('generate_video', given);
    expect([report.status, report.error?.code, isError]).toEqual(['done', 'conversion_failed', false]);
    expect(report.message).toContain(`could not be converted to ${duration} s at ${fps} fps`);
    expect(report.message).toContain('the original is kept');
    expect(report.message).not.toContain('.part');
    expect(report.message).not.toContain('trimmed');
    if (duration === 8) expect(report.cost?.billed_seconds).toBe(10);
    expect(report.video).toMatchObject({ fps: 24, width: 1248, height: 704 });
    expect(report.video?.duration_seconds).toBeCloseTo(seconds, 3);
    expect(text).toContain('- FPS: 24\n');
    expect(await holdsOnly(join(stage.workspace.outputDir, prompt), made)).toBe(true);
  });
});
