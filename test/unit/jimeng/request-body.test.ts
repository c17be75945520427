/** A submit holds exactly what the provider documents for its mode. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  ASPECT_RATIOS,
  CAMERA_STRENGTHS,
  CAMERA_TEMPLATE_IDS,
  MODE_NAMES,
  type ModeName,
} from '../../../src/jimeng/modes.ts';
import { type BodyImages, type BodyInput, queryBody, requestBody } from '../../../src/jimeng/request-body.ts';
import { settleRequest, type VideoInput, videoShape, withModeRules } from '../../../src/tasks/video-request.ts';

const GOLDEN = new URL('../../golden/bodies/', import.meta.url);
const schema = withModeRules(z.strictObject(videoShape));

/** What a call with these inputs sends: mode rules, lengths and all. */
function bodyOf(input: VideoInput, kind: BodyImages['kind']): string {
  const request = settleRequest(schema.parse(input));
  const given = [request.image, request.tailImage].filter((image) => image !== undefined);
  const images: BodyImages = kind === 'urls' ? { kind, urls: given } : { kind, data: given };
  return JSON.stringify(
    requestBody({ ...request, seconds: request.generatedSeconds, images: given.length > 0 ? images : undefined }),
  );
}

const FIRST = 'https://example.com/first.png?x=1&y=2';
const TAIL = 'https://example.com/tail.jpg';
const least = { prompt: '千军万马' };
const most = { prompt: '镜头缓慢推进，夕阳下的古城墙🏯 "quoted"', duration: 10, seed: 2_147_483_647, fps: 30 } as const;
const recamera = { image: FIRST, template_id: 'hitchcock_dolly_in' } as const;

/** File in test/golden/bodies → the inputs, and how the images travel. */
const CASES: Record<string, [VideoInput, BodyImages['kind']?]> = {
  't2v_720p.least': [least],
  't2v_720p.most': [{ ...most, mode: 't2v_720p', aspect_ratio: '21:9' }],
  't2v_720p.seed-0': [{ ...least, seed: 0 }],
  't2v_720p.seed-random': [{ ...least, seed: -1, duration: 4 }],
  't2v_1080p.least': [{ ...least, mode: 't2v_1080p' }],
  't2v_1080p.most': [{ ...most, mode: 't2v_1080p', aspect_ratio: '9:16' }],
  'i2v_first_720p.least': [{ ...least, image: FIRST }],
  'i2v_first_720p.most': [{ ...most, image: 'aGVsbG8=', duration: 6 }, 'base64'],
  'i2v_first_1080p.least': [{ ...least, mode: 'i2v_first_1080p', image: FIRST }],
  'i2v_first_1080p.most': [{ ...most, mode: 'i2v_first_1080p', image: 'aGVsbG8=', duration: 8 }, 'base64'],
  'i2v_first_tail_720p.least': [{ ...least, image: FIRST, tail_image: TAIL }],
  'i2v_first_tail_720p.most': [{ ...most, image: 'Zmlyc3Q=', tail_image: 'dGFpbA==' }, 'base64'],
  'i2v_first_tail_1080p.least': [{ ...least, mode: 'i2v_first_tail_1080p', image: FIRST, tail_image: TAIL }],
  'i2v_first_tail_1080p.most': [
    { ...most, mode: 'i2v_first_tail_1080p', image: 'Zmlyc3Q=', tail_image: 'dGFpbA==' },
    'base64',
  ],
  'i2v_recamera_720p.least': [{ ...least, ...recamera }],
  'i2v_recamera_720p.most': [{ ...most, ...recamera, image: 'aGVsbG8=', camera_strength: 'strong' }, 'base64'],
  'ti2v_pro.least': [{ ...least, mode: 'ti2v_pro' }],
  'ti2v_pro.image-only': [{ mode: 'ti2v_pro', image: FIRST }],
  'ti2v_pro.most': [{ ...most, mode: 'ti2v_pro', image: 'aGVsbG8=', aspect_ratio: '1:1' }, 'base64'],
};

describe('the golden bodies', () => {
  // The files are formatted for reading; the order of the fields and every character in them count.
  test.each(Object.entries(CASES))('%s is sent byte for byte', (name, [input, kind]) => {
    const golden = JSON.parse(readFileSync(new URL(`${name}.json`, GOLDEN), 'utf8'));
    expect(bodyOf(input, kind ?? 'urls')).toBe(JSON.stringify(golden));
  });

  test('cover every mode, and no file is left over', () => {
    const files = readdirSync(GOLDEN).map((file) => file.replace(/\.json$/, ''));
    expect(files.sort()).toEqual(Object.keys(CASES).sort());
    expect(new Set(files.map((file) => file.split('.')[0]))).toEqual(new Set(MODE_NAMES));
  });
});

/** Written out from reference section 2, and not derived from the modes' table: the second opinion. */
const TEXT = ['req_key', 'prompt', 'seed', 'frames', 'aspect_ratio'];
const IMAGE = ['req_key', 'prompt', 'seed', 'frames', 'image_urls', 'binary_data_base64'];
const DOCUMENTED: Record<ModeName, { reqKey: string; fields: string[] }> = {
  ti2v_pro: { reqKey: 'jimeng_ti2v_v30_pro', fields: [...IMAGE, 'aspect_ratio'] },
  t2v_1080p: { reqKey: 'jimeng_t2v_v30_1080p', fields: TEXT },
  i2v_first_1080p: { reqKey: 'jimeng_i2v_first_v30_1080', fields: IMAGE },
  i2v_first_tail_1080p: { reqKey: 'jimeng_i2v_first_tail_v30_1080', fields: IMAGE },
  t2v_720p: { reqKey: 'jimeng_t2v_v30', fields: TEXT },
  i2v_first_720p: { reqKey: 'jimeng_i2v_first_v30', fields: IMAGE },
  i2v_first_tail_720p: { reqKey: 'jimeng_i2v_first_tail_v30', fields: IMAGE },
  i2v_recamera_720p: { reqKey: 'jimeng_i2v_recamera_v30', fields: [...IMAGE, 'template_id', 'camera_strength'] },
};

/** undefined, or one of the values. */
const maybe = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: undefined });
const images = fc
  .tuple(fc.constantFrom('urls', 'base64'), fc.array(fc.string(), { minLength: 1, maxLength: 2 }))
  .map(([kind, list]): BodyImages => (kind === 'urls' ? { kind, urls: list } : { kind: 'base64', data: list }));

/** More than the mode rules let through: what comes in, and what the mode takes, are checked apart. */
const bodyInput: fc.Arbitrary<BodyInput> = fc.record({
  mode: fc.constantFrom(...MODE_NAMES),
  prompt: maybe(fc.string({ unit: 'binary' })),
  seconds: fc.constantFrom(5, 10),
  images: maybe(images),
  seed: maybe(fc.constantFrom(-1, 0, 1, 2_147_483_647)),
  aspectRatio: maybe(fc.constantFrom(...ASPECT_RATIOS)),
  templateId: maybe(fc.constantFrom(...CAMERA_TEMPLATE_IDS)),
  cameraStrength: maybe(fc.constantFrom(...CAMERA_STRENGTHS)),
});

describe('whatever comes in', () => {
  const holds = (claim: (sent: Record<string, unknown>, input: BodyInput) => void) =>
    fc.assert(
      fc.property(bodyInput, (input) => void claim(JSON.parse(JSON.stringify(requestBody(input))), input)),
      { numRuns: 500 },
    );

  test('no field outside the documented ones of its mode is sent', () =>
    holds((sent, { mode }) => {
      expect(sent.req_key).toBe(DOCUMENTED[mode].reqKey);
      expect(Object.keys(sent).filter((field) => !DOCUMENTED[mode].fields.includes(field))).toEqual([]);
    }));

  test('images travel as URLs or as base64, never as both', () =>
    holds((sent, { mode, images: given }) => {
      const taken = DOCUMENTED[mode].fields.includes('image_urls') ? given : undefined;
      expect(sent.image_urls).toEqual(taken?.kind === 'urls' ? taken.urls : undefined);
      expect(sent.binary_data_base64).toEqual(taken?.kind === 'base64' ? taken.data : undefined);
    }));

  test('seed and aspect_ratio are left out when not given, and 0 and −1 are seeds', () =>
    holds((sent, { seed, aspectRatio, mode }) => {
      expect('seed' in sent).toBe(seed !== undefined);
      expect(sent.seed).toBe(seed);
      const takesRatio = DOCUMENTED[mode].fields.includes('aspect_ratio');
      expect('aspect_ratio' in sent).toBe(takesRatio && aspectRatio !== undefined);
      expect(sent.aspect_ratio).not.toBe('');
    }));

  test('frames are 121 or 241', () =>
    holds((sent, { seconds }) => expect(sent.frames).toBe(seconds === 5 ? 121 : 241)));
});

test('a query holds the req_key of its submit and the task id as text, and nothing else', () => {
  expect(JSON.stringify(queryBody('jimeng_t2v_v30', '18446744073709551999'))).toBe(
    '{"req_key":"jimeng_t2v_v30","task_id":"18446744073709551999"}',
  );
});
