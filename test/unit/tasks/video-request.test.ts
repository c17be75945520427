/** The rules between the inputs of a video: what is wrong is refused by name, with what would be right. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CAMERA_TEMPLATE_IDS, MODE_NAMES, type ModeName, modeRow, priceCny } from '../../../src/jimeng/modes.ts';
import {
  inferMode,
  maxCostInput,
  modeOfQuality,
  modeProblems,
  promptLength,
  promptNotes,
  settleRequest,
  type VideoInput,
  videoShape,
  withModeRules,
} from '../../../src/tasks/video-request.ts';

const schema = withModeRules(z.strictObject(videoShape));
const URL_A = 'https://example.com/a.png';
const URL_B = 'https://example.com/b.png';

/** Every refusal as "input message"; empty when all is well. */
function refusals(input: Record<string, unknown>): string[] {
  const result = schema.safeParse(input);
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
}

describe('the mode, when none is given', () => {
  test.each<[ModeName, VideoInput]>([
    ['t2v_720p', { prompt: 'x' }],
    ['t2v_720p', { prompt: 'x', aspect_ratio: '1:1', seed: 0 }],
    ['i2v_first_720p', { prompt: 'x', image: URL_A }],
    ['i2v_first_tail_720p', { prompt: 'x', image: URL_A, tail_image: URL_B }],
    ['i2v_recamera_720p', { prompt: 'x', image: URL_A, template_id: 'robo_arm' }],
    ['i2v_recamera_720p', { prompt: 'x', template_id: 'robo_arm' }],
  ])('is %s for %j', (mode, input) => expect(inferMode(input)).toBe(mode));

  test('a given one stands, whatever the inputs', () => {
    for (const mode of MODE_NAMES) expect(inferMode({ mode, image: URL_A, template_id: 'robo_arm' })).toBe(mode);
  });
});

/** What each mode takes and needs, written out from reference section 2. */
const RATIO_MODES = ['t2v_720p', 't2v_1080p', 'ti2v_pro'];
const TAIL_MODES = ['i2v_first_tail_720p', 'i2v_first_tail_1080p'];
const TAKERS: Record<string, readonly string[]> = {
  image: MODE_NAMES.filter((mode) => !mode.startsWith('t2v')),
  tail_image: TAIL_MODES,
  aspect_ratio: RATIO_MODES,
  template_id: ['i2v_recamera_720p'],
  camera_strength: ['i2v_recamera_720p'],
};
const VALUES: Record<string, string> = {
  image: URL_A,
  tail_image: URL_B,
  aspect_ratio: '4:3',
  template_id: 'crane_push',
  camera_strength: 'weak',
};

describe('an input that a mode does not take', () => {
  const pairs = MODE_NAMES.flatMap((mode) => Object.keys(TAKERS).map((input) => [mode, input] as const));
  test.each(pairs)('%s, %s: is refused by name with all the modes that take it, or taken', (mode, input) => {
    const takers = TAKERS[input] ?? [];
    const refused = modeProblems({ prompt: 'x', mode, [input]: VALUES[input] }).filter((p) =>
      /modes that take it/.test(p.message),
    );
    if (takers.includes(mode)) return expect(refused).toEqual([]);
    expect(refused).toEqual([{ input, message: expect.stringMatching(/; modes that take it: /) }]);
    const named = refused[0]?.message.split('take it: ')[1]?.split(', ') ?? [];
    expect(named.sort()).toEqual([...takers].sort());
  });

  const RATIO = "aspect_ratio cannot be combined with `image`, because the video has the image's ratio";
  const STRENGTH = 'camera_strength needs `template_id`, the camera movement that it applies to';
  const MOVE =
    'image is missing: `template_id` moves the camera over a picture (without one write the movement into the prompt)';
  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'a ratio beside an image',
      { image: URL_A, aspect_ratio: '9:16' },
      [`${RATIO}; modes that take it: t2v_720p, t2v_1080p, ti2v_pro`],
    ],
    [
      'a strength without a template',
      { camera_strength: 'weak' },
      [`${STRENGTH}; modes that take it: i2v_recamera_720p`],
    ],
    [
      'a last frame alone',
      { tail_image: URL_B },
      ['tail_image needs `image`, the first frame; modes that take it: i2v_first_tail_720p, i2v_first_tail_1080p'],
    ],
    ['a template alone', { template_id: 'handheld' }, [MOVE]],
    [
      'a last frame beside a template',
      { image: URL_A, tail_image: URL_B, template_id: 'handheld' },
      [
        'tail_image cannot be combined with `template_id`; modes that take it: i2v_first_tail_720p, i2v_first_tail_1080p',
      ],
    ],
    [
      'an image in a text mode that was named',
      { mode: 't2v_1080p', image: URL_A },
      [
        `image is not taken by mode t2v_1080p; modes that take it: ${MODE_NAMES.filter((name) => !name.startsWith('t2v')).join(', ')}`,
      ],
    ],
  ])('%s: the sentence names what was given, and a mode only where one was given', (_what, input, sentences) => {
    expect(refusals({ prompt: 'x', ...input })).toEqual(sentences);
    for (const sentence of input.mode === undefined ? sentences : []) {
      expect(sentence.split('modes that take it')[0]).not.toMatch(/t2v|i2v/);
    }
  });

  test.each([
    [{ aspect_ratio: '16:9', image: URL_A }],
    [{ aspect_ratio: '16:9', image: URL_A, mode: 'ti2v_pro' }],
    [{ camera_strength: 'medium' }],
    [{ aspect_ratio: '16:9', camera_strength: 'medium', image: URL_A, tail_image: URL_B }],
  ])('is not given where it only repeats the default: %j', (input) => {
    expect(refusals({ prompt: 'x', ...input })).toEqual([]);
    expect(settleRequest(schema.parse({ prompt: 'x', ...input }))).toMatchObject({
      aspectRatio: undefined,
      cameraStrength: undefined,
    });
  });

  test('stays a choice where it applies: 16:9 for a text, medium with a template', () => {
    expect(settleRequest(schema.parse({ prompt: 'x', aspect_ratio: '16:9' })).aspectRatio).toBe('16:9');
    const camera = { prompt: 'x', image: URL_A, template_id: 'handheld', camera_strength: 'medium' };
    expect(settleRequest(schema.parse(camera)).cameraStrength).toBe('medium');
  });
});

describe('an input that a mode needs', () => {
  test.each<[ModeName, string[]]>([
    ['t2v_720p', ['prompt']],
    ['t2v_1080p', ['prompt']],
    ['i2v_first_720p', ['image', 'prompt']],
    ['i2v_first_1080p', ['image', 'prompt']],
    ['i2v_first_tail_720p', ['image', 'tail_image', 'prompt']],
    ['i2v_first_tail_1080p', ['image', 'tail_image', 'prompt']],
    ['i2v_recamera_720p', ['image', 'template_id', 'prompt']],
    ['ti2v_pro', ['prompt']],
  ])('%s: everything that is missing is named together', (mode, missing) => {
    const problems = modeProblems({ mode });
    expect(problems.map((problem) => problem.input)).toEqual(missing);
    for (const { input, message } of problems)
      expect(message).toMatch(input === 'prompt' ? 'is missing: say what' : `is missing: mode ${mode} needs`);
  });

  test('a missing template comes with every template', () => {
    const [problem] = modeProblems({ mode: 'i2v_recamera_720p', prompt: 'x', image: URL_A });
    expect(problem?.message).toContain(CAMERA_TEMPLATE_IDS.join(', '));
  });

  test('only Pro with an image goes without a prompt', () => {
    expect(refusals({ mode: 'ti2v_pro', image: URL_A })).toEqual([]);
    expect(refusals({ mode: 'ti2v_pro', image: URL_A, prompt: '  ' })).toEqual([]);
    expect(refusals({ mode: 'ti2v_pro' })).toEqual([
      'prompt is missing: say what the video shows, in 1 to 800 characters',
    ]);
    expect(refusals({ image: URL_A })[0]).toMatch(
      'prompt is missing: say what the video shows, in 1 to 800 characters (only mode ti2v_pro',
    );
    expect(refusals({ prompt: ' \n ' })[0]).toMatch('prompt is empty: say what');
  });

  test.each(['\uFFFD', '\uFFFD\uFFFD', '\u200B\u200D', '\u2060 \uFE0F', '\u00AD', '\u0000'])(
    'a prompt of nothing that can be seen is none: %j',
    (prompt) => {
      expect(refusals({ prompt })[0]).toMatch('prompt is empty');
      expect(settleRequest(schema.parse({ mode: 'ti2v_pro', image: URL_A, prompt })).prompt).toBeUndefined();
    },
  );
});

describe('the prompt', () => {
  test('800 emoji pass and 801 are refused with both numbers: code points count, not bytes or halves', () => {
    expect(refusals({ prompt: '🏯'.repeat(800) })).toEqual([]);
    expect(refusals({ prompt: '🏯'.repeat(801) })).toEqual([
      'prompt has 801 characters, at most 800 are accepted: shorten it',
    ]);
  });

  test('is counted, and sent, after trimming', () => {
    const prompt = ` \n${'马'.repeat(800)}\t `;
    expect(promptLength(prompt)).toBe(800);
    expect(settleRequest(schema.parse({ prompt })).prompt).toBe('马'.repeat(800));
  });
});

describe('a value that is not right is refused with those that are', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ mode: 't2v_4k' }, `mode must be one of ${MODE_NAMES.join(', ')}`],
    [{ duration: 7 }, 'duration must be one of 4, 5, 6, 8, 10, but is 7'],
    [{ duration: '5' }, 'duration must be one of 4, 5, 6, 8, 10'],
    [{ fps: 60 }, 'fps must be one of 24, 25, 30, but is 60'],
    [{ seed: -2 }, 'seed must be a whole number from -1 to 2147483647, but is -2'],
    [{ seed: 2 ** 31 }, 'seed must be a whole number from -1 to 2147483647, but is 2147483648'],
    [{ seed: 1.5 }, 'seed must be a whole number from -1 to 2147483647, but is 1.5'],
    [{ aspect_ratio: '' }, 'aspect_ratio must be one of 16:9, 4:3, 1:1, 3:4, 9:16, 21:9'],
    [{ aspect_ratio: '2:1' }, 'aspect_ratio must be one of 16:9, 4:3, 1:1, 3:4, 9:16, 21:9'],
    [{ template_id: 'zoom' }, `template_id must be one of ${CAMERA_TEMPLATE_IDS.join(', ')}`],
    [{ camera_strength: 'max' }, 'camera_strength must be one of weak, medium, strong'],
    [{ image: ' ' }, 'image is empty: give an image, or leave it out'],
    [{ tail_image: '' }, 'tail_image is empty: give an image, or leave it out'],
    [{ prompt: 5 }, 'prompt must be a text'],
  ])('%j', (input, refusal) => expect(refusals({ prompt: 'x', ...input })).toContain(refusal));

  test('a misspelt option is refused with its name', () => {
    expect(refusals({ prompt: 'x', aspectratio: '1:1' }).join()).toMatch(/aspectratio/);
  });
});

describe('a settled request', () => {
  test.each([
    [undefined, 5],
    [4, 5],
    [5, 5],
    [6, 10],
    [8, 10],
    [10, 10],
  ] as const)('of %s seconds is generated as %i', (duration, generated) => {
    const request = settleRequest(schema.parse({ prompt: 'x', ...(duration && { duration }) }));
    expect([request.duration, request.generatedSeconds]).toEqual([duration ?? 5, generated]);
  });

  test('keeps seed 0, and has medium as strength only where there is a camera', () => {
    expect(settleRequest(schema.parse({ prompt: 'x', seed: 0 })).seed).toBe(0);
    expect(settleRequest(schema.parse({ prompt: 'x' }))).toMatchObject({
      seed: undefined,
      cameraStrength: undefined,
      fps: 24,
    });
    const camera = { prompt: 'x', image: URL_A, template_id: 'handheld' };
    expect(settleRequest(schema.parse(camera)).cameraStrength).toBe('medium');
    expect(settleRequest(schema.parse({ ...camera, camera_strength: 'strong' })).cameraStrength).toBe('strong');
  });
});

describe('a quality', () => {
  test.each([
    ['720p', false, false, false, 't2v_720p'],
    ['720p', true, false, true, 'i2v_recamera_720p'],
    ['1080p', false, false, false, 't2v_1080p'],
    ['1080p', true, false, false, 'i2v_first_1080p'],
    ['1080p', true, true, false, 'i2v_first_tail_1080p'],
    ['1080p', true, false, true, undefined],
    ['pro', false, false, false, 'ti2v_pro'],
    ['pro', true, false, false, 'ti2v_pro'],
    ['pro', true, true, false, undefined],
    ['720p', false, true, false, undefined],
  ] as const)('%s, image %s, tail %s, camera %s: %s', (quality, image, tailImage, camera, mode) =>
    expect(modeOfQuality(quality, { image, tailImage, camera })).toBe(mode),
  );
});

test('a limit on the cost is an amount from 0 on', () => {
  expect(maxCostInput.safeParse(-1).error?.issues.map(({ message }) => message)).toEqual(['must be 0 or more']);
  expect(maxCostInput.safeParse(0).success).toBe(true);
});

test('what to know of a prompt before paying: damaged characters, and more than the provider recommends', () => {
  expect(promptNotes(undefined)).toEqual([]);
  expect(promptNotes('马'.repeat(400))).toEqual([]);
  expect(promptNotes(`a\uFFFD${'x'.repeat(400)}`)).toEqual([
    'the prompt contains a damaged character (U+FFFD)',
    'the prompt has 402 characters; the provider recommends at most 400',
  ]);
});

test('the price is that of the price page, per mode and length', () => {
  const pages = { '720P': [1.4, 2.8], '1080P': [3.15, 6.3], Pro: [5, 10] };
  for (const mode of MODE_NAMES) {
    expect([priceCny(mode, 5), priceCny(mode, 10)], mode).toEqual(pages[modeRow(mode).resolution]);
  }
  const resolutions = MODE_NAMES.map((mode) => [mode, modeRow(mode).resolution]);
  expect(resolutions.every(([mode, at]) => mode?.endsWith(`_${at?.toLowerCase()}`))).toBe(true);
});
