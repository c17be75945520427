/** Prompts end in a call that is valid as it stands, after the user has agreed to its price. */
import { describe, expect, it } from 'vitest';
import { CAMERA_TEMPLATE_IDS, CAMERA_TEMPLATES } from '../../../src/jimeng/modes.ts';
import { completeArgument, PROMPTS, renderPrompt } from '../../../src/mcp/prompts.ts';
import { generateFilm } from '../../../src/mcp/tools/generate-film.ts';
import { generateVideo } from '../../../src/mcp/tools/generate-video.ts';

const IMAGE = 'https://example.com/car.png';

function textOf(name: string, args: Record<string, string>): string {
  const rendered = renderPrompt(name, args);
  expect(rendered?.messages.map(({ role, content }) => [role, content.type])).toEqual([['user', 'text']]);
  return rendered?.messages[0]?.content.text ?? '';
}

/** The arguments in the text, as a model would copy them. */
function callIn(text: string): Record<string, unknown> {
  return JSON.parse(/```json\n(.*)\n```/.exec(text)?.[1] ?? '');
}

type Row = readonly [name: string, args: Record<string, string>, mode: string, price: string, rest: object];
const ROWS: readonly Row[] = [
  ['write_shot', { idea: 'a fox' }, 't2v_720p', '1.40', {}],
  [
    'write_shot',
    { idea: 'a fox', quality: '1080P', duration: '8', aspect_ratio: '9:16' },
    't2v_1080p',
    '6.30',
    { duration: 8, aspect_ratio: '9:16' },
  ],
  ['write_shot', { idea: '狐狸', quality: 'pro', duration: '10' }, 'ti2v_pro', '10.00', { duration: 10 }],
  ['write_shot', { idea: 'a fox', image: IMAGE }, 'i2v_first_720p', '1.40', { image: IMAGE }],
  ['write_shot', { idea: 'a fox', image: IMAGE, quality: 'pro' }, 'ti2v_pro', '5.00', { image: IMAGE }],
  [
    'write_shot',
    { idea: 'a fox', image: IMAGE, tail_image: IMAGE, quality: '1080p' },
    'i2v_first_tail_1080p',
    '3.15',
    { image: IMAGE, tail_image: IMAGE },
  ],
  [
    'move_camera',
    { idea: 'it drives', image: IMAGE, template_id: 'central_orbit', camera_strength: 'strong' },
    'i2v_recamera_720p',
    '1.40',
    { image: IMAGE, template_id: 'central_orbit', camera_strength: 'strong' },
  ],
  ['write_shot', { idea: ' a fox ', quality: '', image: ' ' }, 't2v_720p', '1.40', {}],
];

describe('the call', () => {
  it.each(ROWS)('%s with %j is right as it stands: %s for ¥%s', (name, args, mode, price, rest) => {
    const text = textOf(name, args);
    const { prompt, ...call } = callIn(text);
    expect(prompt).toMatch(/THE PROMPT YOU WROTE|写好的提示词/);
    expect(call).toEqual({ mode, ...rest });
    expect(generateVideo.input.safeParse(callIn(text)).success).toBe(true);
    expect(text).toContain(`¥${price}`);
    expect(text.search(/Wait for my yes|等我同意/)).toBeLessThan(text.indexOf('generate_video'));
    expect(text.search(/Wait for my yes|等我同意/)).toBeGreaterThan(0);
  });

  it('leaves the template to the model where none was named, with the table to choose from', () => {
    const text = textOf('move_camera', { idea: 'it drives', image: IMAGE });
    expect(callIn(text)).toMatchObject({ mode: 'i2v_recamera_720p', template_id: 'THE TEMPLATE YOU CHOSE' });
    for (const id of CAMERA_TEMPLATE_IDS) expect(text).toContain(`| ${id} | ${CAMERA_TEMPLATES[id]} |`);
  });

  it('is not broken by what the idea says', () => {
    const text = textOf('write_shot', { idea: '```json\n{"x":1}\n``` "quoted" \\' });
    expect(callIn(text)).toMatchObject({ mode: 't2v_720p' });
  });
});

describe('plan_film', () => {
  it.each([
    [{}, 4, 5, '5.60', {}],
    [{ length: '60', quality: '1080P', aspect_ratio: '9:16' }, 12, 5, '37.80', { aspect_ratio: '9:16' }],
    [{ length: '10', audio: 'a.mp3', quality: 'pro' }, 2, 5, '10.00', { audio: 'a.mp3' }],
    [{ length: '240' }, 24, 10, '67.20', {}],
    [{ length: '121' }, 12, 10, '33.60', {}],
  ] as const)('%j: %i shots of %i s for ¥%s', (args, shots, seconds, price, rest) => {
    const text = textOf('plan_film', { idea: 'a fox in the snow', ...args });
    const call = callIn(text);
    expect(call).toMatchObject({ dry_run: true, ...rest });
    expect((call.shots as object[]).map((shot) => 'duration' in shot && shot.duration)).toEqual(
      Array(shots).fill(seconds),
    );
    expect(generateFilm.input.safeParse(call).success).toBe(true);
    expect(text).toContain(`¥${price}`);
    expect(text.indexOf('Wait for my yes')).toBeLessThan(text.indexOf('without `dry_run`'));
  });

  it('offers keyframes only where the quality takes them', () => {
    expect(textOf('plan_film', { idea: 'a fox' })).toContain('keyframes');
    expect(textOf('plan_film', { idea: 'a fox', quality: 'pro' })).not.toContain('keyframes');
  });

  it.each(['9', '241', '20s', '1e2', '-20'])('refuses a length of %s', (length) => {
    expect(() => renderPrompt('plan_film', { idea: 'a fox', length })).toThrowError(
      `\`length\` must be a number of seconds from 10 to 240, but is "${length}".`,
    );
  });
});

describe('the language', () => {
  it.each([
    [{ idea: 'a fox' }, /Subject/],
    [{ idea: '一只狐狸' }, /主体/],
    [{ idea: 'a fox', language: 'zh' }, /主体/],
    [{ idea: '一只狐狸', language: 'en' }, /Subject/],
  ] as const)('of %j: %s', (args, words) => {
    expect(textOf('write_shot', args)).toMatch(words);
  });

  it.each(['en', 'zh'])('%s: the whole text', async (language) => {
    const idea = language === 'en' ? 'a car in the rain' : '雨中的车';
    const shot = textOf('write_shot', { idea, quality: 'pro' });
    const camera = textOf('move_camera', { idea, image: IMAGE });
    const film = textOf('plan_film', { idea, length: '30' });
    await expect(`${shot}\n\n---\n\n${camera}\n\n---\n\n${film}\n`).toMatchFileSnapshot(
      `../../golden/texts/prompts-${language}.md`,
    );
  });
});

describe('arguments that are wrong', () => {
  it('are reported together', () => {
    const args = { quality: '4k', duration: '7', template_id: 'orbit', aspect_ratio: '2:1' };
    expect(() => renderPrompt('write_shot', args)).toThrowError(
      expect.objectContaining({
        code: 'invalid_input',
        message:
          'There is no argument "template_id"; the arguments are idea, quality, duration, aspect_ratio, image, tail_image, language. ' +
          '`idea` is missing: What the video is to show, in a few words, Chinese or English. ' +
          '`quality` must be one of 720p, 1080p, pro, but is "4k". ' +
          '`duration` must be one of 4, 5, 6, 8, 10, but is "7". ' +
          '`aspect_ratio` must be one of 16:9, 4:3, 1:1, 3:4, 9:16, 21:9, but is "2:1".',
      }),
    );
  });

  it.each([
    [
      { image: IMAGE, tail_image: IMAGE, quality: 'pro' },
      'No pro mode takes these pictures: `quality` must be 720p or 1080p.',
    ],
    [{ tail_image: IMAGE }, '`image` is missing'],
    [{ image: IMAGE, aspect_ratio: '1:1' }, '`aspect_ratio` cannot be combined with `image`'],
    [{ idea: 'x'.repeat(2001) }, 'at most 2000'],
  ])('%j: %s', (args, message) => {
    const given: Record<string, string> = { idea: 'a fox', ...args };
    expect(() => renderPrompt('write_shot', given)).toThrowError(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining(message) }),
    );
  });

  it('of a prompt that there is not: nothing', () => {
    expect(renderPrompt('write_shots', {})).toBeUndefined();
  });
});

describe('the completion', () => {
  it('has the values that begin so', () => {
    expect(completeArgument('write_shot', 'quality', '')).toEqual(['720p', '1080p', 'pro']);
    expect(completeArgument('write_shot', 'quality', '1')).toEqual(['1080p']);
    expect(completeArgument('write_shot', 'aspect_ratio', '9')).toEqual(['9:16']);
    expect(completeArgument('move_camera', 'template_id', 'h')).toEqual([
      'hitchcock_dolly_in',
      'hitchcock_dolly_out',
      'handheld',
    ]);
    expect(completeArgument('move_camera', 'template_id', '手持')).toEqual(['handheld']);
  });

  it('has none for a free text, and none for what there is not', () => {
    const none = [
      ['write_shot', 'idea'],
      ['write_shot', 'template_id'],
      ['nothing', 'quality'],
    ] as const;
    for (const [name, argument] of none) expect(completeArgument(name, argument, '')).toEqual([]);
  });

  it('offers only what is taken', () => {
    for (const { name, arguments: known } of PROMPTS) {
      const required = name === 'move_camera' ? { idea: 'x', image: IMAGE } : { idea: 'x' };
      for (const argument of known) {
        for (const value of completeArgument(name, argument.name, '')) {
          expect(() => renderPrompt(name, { ...required, [argument.name]: value })).not.toThrow();
        }
      }
    }
  });
});
