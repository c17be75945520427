/** Arguments in the shapes that clients really send are read as what they mean; what is not certain is refused. */
import { describe, expect, it } from 'vitest';
import { CAMERA_TEMPLATES } from '../../../src/jimeng/modes.ts';
import { readArguments } from '../../../src/mcp/arguments.ts';
import { parseArguments } from '../../../src/mcp/call-tool.ts';
import { TOOLS } from '../../../src/mcp/tools.ts';
import { settleRequest, type VideoInput } from '../../../src/tasks/video-request.ts';

type Values = Readonly<Record<string, unknown>>;

const IMAGE = 'https://example.com/a.png';
const toolNamed = (name: string) => TOOLS.find((tool) => tool.name === name) ?? expect.fail(name);
const parse = (name: string, given: unknown) => parseArguments(toolNamed(name), given) as Values;

function refusal(name: string, given: unknown): string {
  try {
    parse(name, given);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

/** Input → a value that says something, and what else it needs. */
const SAMPLES: Readonly<Record<string, readonly [value: unknown, beside?: Values]>> = {
  prompt: ['a cat'],
  mode: ['t2v_1080p'],
  duration: [8],
  fps: [25],
  image: [IMAGE],
  tail_image: [IMAGE, { image: IMAGE }],
  seed: [42],
  aspect_ratio: ['9:16'],
  template_id: ['robo_arm', { image: IMAGE }],
  camera_strength: ['weak', { image: IMAGE, template_id: 'robo_arm' }],
  output: ['fox.mp4'],
  allow_duplicate: [true],
  dry_run: [false],
  max_cost_cny: [20],
  wait_seconds: [10],
  wait_for: ['all_finished'],
  task_id: ['jv-mf0h5s00-k7m2p'],
  videos: [['jv-mf0h5s00-k7m2p', '/videos/fox.mp4']],
  audio: ['/music/song.m4a'],
  film_id: ['jf-mf0h5s00-k7m2p'],
  path: ['/videos/fox.mp4'],
  frames: [4],
  title: ['A day'],
  shots: [[{ prompt: 'dawn' }, { prompt: 'dusk', continue: true }]],
  keyframes: [[IMAGE, IMAGE, IMAGE]],
  quality: ['1080p'],
  shot: [2],
  cascade: [true],
  limit: [20],
  status: ['done'],
};
const NEEDED: Readonly<Record<string, Values>> = {
  generate_video: { prompt: 'x' },
  submit_video_task: { prompt: 'x' },
  get_video_task: {},
  list_video_tasks: {},
  cancel_video_task: { task_id: 'jv-mf0h5s00-k7m2p' },
  generate_film: { shots: [{ prompt: 'dawn' }, { prompt: 'dusk' }] },
  retake_shot: { film_id: 'jf-mf0h5s00-k7m2p', shot: 1 },
  join_videos: { videos: ['jv-mf0h5s00-k7m2p', '/videos/fox.mp4'] },
  preview_video: {},
};

const INPUTS = TOOLS.flatMap((tool) => Object.keys(tool.input.shape).map((input) => [tool.name, input] as const));

describe('every input of every tool', () => {
  it.each(INPUTS)('%s.%s: has a sample here', (_tool, input) => expect(SAMPLES).toHaveProperty(input));

  it.each(INPUTS)('%s.%s: in another spelling is the same value', (tool, input) => {
    const [value, beside = {}] = SAMPLES[input] ?? [];
    const given = { ...NEEDED[tool], ...beside };
    const expected = parse(tool, { ...given, [input]: value });
    expect(expected[input]).toEqual(value);
    const spellings: unknown[] = [value];
    if (typeof value === 'number')
      spellings.push(String(value), ` ${value} `, `${value}.0`, `+${value}`, '１０'.replace('１０', String(value)));
    if (typeof value === 'boolean') spellings.push(String(value), String(value).toUpperCase(), ` ${value}`);
    if (/mode|ratio|template|strength|status|wait_for/.test(input)) {
      const text = String(value);
      spellings.push(text.toUpperCase(), ` ${text}\n`, text.replaceAll('_', '-'), text.replaceAll('_', ' '));
      spellings.push(text.replaceAll(':', '：'), text.replaceAll(':', ' : '), text.replaceAll(':', 'x'));
    }
    for (const spelling of spellings)
      expect(parse(tool, { ...given, [input]: spelling }), JSON.stringify(spelling)).toEqual(expected);
  });

  it.each(INPUTS)('%s.%s: null, "" and the like are the same as leaving it out', (tool, input) => {
    const without = Object.fromEntries(Object.entries(NEEDED[tool] ?? {}).filter(([name]) => name !== input));
    const outcome = (given: Values) => {
      try {
        return parse(tool, given);
      } catch (error) {
        return (error as Error).message.replace(/is (missing|empty)/, 'is missing');
      }
    };
    const expected = outcome(without);
    // A prompt may say "none".
    const words = input === 'prompt' ? [] : ['null', 'undefined', 'none', 'None', ' NULL '];
    for (const nothing of [null, '', '  ', ...words]) {
      const got = outcome({ ...without, [input]: nothing });
      const isTaskIdNeeded = input === 'task_id' && tool === 'cancel_video_task';
      // Needed: the refusal shows what was given. An empty id is refused where it is looked up.
      if (['videos', 'shots', 'shot'].includes(input)) {
        expect(got).toMatch(new RegExp(`^\`${input}\` must be `));
        continue;
      }
      if (input === 'film_id' && tool === 'retake_shot') continue;
      if (isTaskIdNeeded && nothing !== null && nothing !== '' && nothing !== '  ') continue;
      if (input === 'prompt' && typeof got !== 'string') continue;
      expect(got, JSON.stringify(nothing)).toEqual(expected);
    }
  });

  it('filled in with every default or a blank is the plain request', () => {
    const filled = {
      ...{
        prompt: 'a cat',
        mode: '',
        duration: '5',
        fps: 24,
        image: '',
        tail_image: null,
        seed: -1,
        aspect_ratio: null,
      },
      ...{ template_id: '', camera_strength: 'medium', output: '', allow_duplicate: false, dry_run: 'false' },
      ...{ wait_seconds: '', max_cost_cny: null },
    };
    const request = (given: unknown) => settleRequest(parse('generate_video', given) as VideoInput);
    expect(request(filled)).toEqual(request({ prompt: 'a cat' }));
    const ofImage = { ...filled, image: IMAGE, aspect_ratio: '16:9' };
    expect(request(ofImage)).toEqual(request({ prompt: 'a cat', image: IMAGE }));
  });
});

describe('a prompt', () => {
  it.each([
    [1984, '1984'],
    [3.5, '3.5'],
    ['none', 'none'],
    ['null', 'null'],
    ['a\uD83Dcat', 'a\uFFFDcat'],
    ['\uDE00 🦊', '\uFFFD 🦊'],
  ])('%j is the text %j', (prompt, text) =>
    expect(parse('generate_video', { prompt })).toMatchObject({ prompt: text }),
  );
  it.each([[true], [{}], [['a cat']], ['\u200B'], ['\uD83D']])('%j is none', (prompt) => {
    expect(refusal('generate_video', { prompt })).toMatch(/`prompt` (must be a text|is empty)/);
  });
});

describe('the arguments as a whole', () => {
  const plain = parse('generate_video', { prompt: 'a cat', duration: 8 });
  const object = { prompt: 'a cat', duration: '8' };
  const text = JSON.stringify(object);
  it.each<[string, unknown]>([
    ['as a JSON text', text],
    ['as a JSON text in a JSON text', JSON.stringify(text)],
    ...['input', 'arguments', 'args', 'kwargs', 'params', 'parameters', 'request'].map((name): [string, unknown] => [
      `inside ${name}`,
      { [name]: object },
    ]),
    ['inside a wrapper as JSON text', { arguments: text }],
    ['inside two wrappers', { params: { arguments: object } }],
    ['inside a wrapper beside bookkeeping', { toolCallId: 'call_1', tool: 'generate_video', _meta: {}, input: object }],
    [
      'with the bookkeeping of frameworks',
      {
        ...object,
        sessionId: 's',
        tool_call_id: 1,
        action: 'x',
        chatInput: 'y',
        _sessionID: 'z',
        task_progress: '- [ ] x',
        security_risk: 'LOW',
        request_heartbeat: true,
        requestContext: {},
        call_id: 'c',
        toolSummary: 's',
        requestId: 1,
        session_id: 2,
        tool: 't',
      },
    ],
  ])('%s are read', (_what, given) => expect(parse('generate_video', given)).toEqual(plain));

  it.each([[[]], [null], [undefined], ['{}'], ['[]']])('%j is an empty object', (given) => {
    expect(parse('list_video_tasks', given)).toEqual({});
  });

  it.each([[[1]], ['a cat'], ['{"prompt":'], [5], [true], ['"x"']])('%j is none', (given) => {
    expect(refusal('generate_video', given)).toBe('The arguments must be an object.');
  });

  it('a wrapper beside inputs, or of something else, is an unknown name', () => {
    expect(refusal('generate_video', { prompt: 'a cat', kwargs: { seed: 1 } })).toContain('`kwargs` is not an input');
    expect(refusal('generate_video', { kwargs: { prompt: 'a dog' }, prompt: 'a cat' })).toContain('`kwargs` is not');
    expect(refusal('generate_video', { args: ['a cat'] })).toContain('`args` is not an input');
  });

  it('is not changed by names that every object has', () => {
    const given = JSON.parse('{"prompt":"x","__proto__":{"seed":1}}');
    expect(parse('generate_video', given)).toEqual({ prompt: 'x' });
    expect(refusal('generate_video', { prompt: 'x', constructor: 1 })).toContain('`constructor` is not an input');
    expect(readArguments({ toString: 1 }, toolNamed('generate_video').input.shape)?.unknown).toEqual([['toString', 1]]);
  });
});

describe('an image', () => {
  it.each<[unknown]>([
    [[IMAGE]],
    [{ url: IMAGE }],
    [{ path: IMAGE }],
    [{ type: 'image_url', image_url: { url: IMAGE } }],
    [{ type: 'image_url', image_url: IMAGE }],
    [[{ type: 'image_url', image_url: { url: IMAGE } }]],
    [JSON.stringify([IMAGE])],
    [JSON.stringify({ url: IMAGE })],
    [` ${IMAGE} `],
  ])('as %j is its path or URL', (image) => {
    expect(parse('generate_video', { prompt: 'x', image })).toEqual({ prompt: 'x', image: IMAGE });
    const both = { prompt: 'x', image: IMAGE, tail_image: image };
    expect(parse('generate_video', both)).toEqual({ prompt: 'x', image: IMAGE, tail_image: IMAGE });
  });
  it.each([[[]], [['']], [{ url: '' }], [{ url: null }], [[null]]])('as %j is not given', (image) => {
    expect(parse('generate_video', { prompt: 'x', image })).toEqual({ prompt: 'x' });
  });
  it.each([[{ file: IMAGE }], [5n], [true], [[IMAGE, IMAGE]]])('as %o is refused', (image) => {
    expect(refusal('generate_video', { prompt: 'x', image })).toMatch(/`image` (must be a text|takes one image)/);
  });
  it('whose name is JSON-like and no JSON stays a path', () => {
    expect(parse('generate_video', { prompt: 'x', image: '[draft] a.png' })).toMatchObject({ image: '[draft] a.png' });
  });
});

describe('a task id', () => {
  const id = 'jv-mf0h5s00-k7m2p';
  it.each([
    ...[`\`${id}\``, `"${id}"`, `task:${id}`, `\`task:${id}\``, `jimeng://tasks/${id}`, ` ${id}\n`, `<${id}>`],
    ...[`“${id}”`, `「${id}」`, `**${id}**`, `(${id})`, `${id}.`, id.toUpperCase(), `- Task ID: \`${id}\``],
    `[${id}](jimeng://tasks/${id})`,
  ])('%j is the id', (task_id) => {
    expect(parse('get_video_task', { task_id })).toEqual({ task_id: id });
    expect(parse('cancel_video_task', { task_id })).toEqual({ task_id: id });
  });
  it.each([
    '`7392616336519610409`',
    'task:7392616336519610409',
    '“7392616336519610409”.',
    'TASK:`7392616336519610409`',
  ])('%j is the id of the provider', (task_id) => {
    expect(parse('get_video_task', { task_id })).toEqual({ task_id: '7392616336519610409' });
  });
  it('with another one beside it is refused as it is', () => {
    const task_id = `${id} jv-mf0h5s00-aaaaa`;
    expect(parse('get_video_task', { task_id })).toEqual({ task_id });
  });
  it('as a number that JSON cannot hold is refused: it has lost digits', () => {
    expect(refusal('get_video_task', JSON.parse('{"task_id":7392616336519610409}'))).toContain(
      '`task_id` must be a text: as a number it loses digits',
    );
    expect(parse('get_video_task', { task_id: 7392616336519 })).toEqual({ task_id: '7392616336519' });
  });
});

describe('units', () => {
  it.each([
    ['duration', '8s', 8],
    ['duration', '8 seconds', 8],
    ['duration', '8秒', 8],
    ['duration', '８', 8],
    ['wait_seconds', '10 s', 10],
    ['fps', '30fps', 30],
    ['fps', '25 帧', 25],
    ['max_cost_cny', '¥20', 20],
    ['max_cost_cny', '20元', 20],
    ['max_cost_cny', '20 CNY', 20],
  ])('%s: %j is %d', (input, given, value) => {
    expect(parse('generate_video', { prompt: 'x', [input]: given })).toEqual({ prompt: 'x', [input]: value });
  });
  it.each([
    ['duration', '8m'],
    ['duration', '8-10'],
    ['duration', 'eight'],
    ['duration', [8]],
    ['duration', true],
    ['fps', '30s'],
    ['seed', '4s'],
    ['seed', '0x10'],
    ['seed', '1e3'],
    ['max_cost_cny', '$5'],
    ['allow_duplicate', 'yes'],
    ['allow_duplicate', 1],
  ])('%s: %j is refused', (input, given) => {
    expect(refusal('generate_video', { prompt: 'x', [input]: given })).toContain(`\`${input}\` must be`);
  });
});

describe('names of another kind', () => {
  it.each(Object.entries(CAMERA_TEMPLATES))('%s is also %s', (template_id, name) => {
    const given = { prompt: 'x', image: IMAGE, template_id: ` ${name} ` };
    expect(parse('generate_video', given)).toMatchObject({ template_id });
  });
  it.each<[string, Values, string | undefined]>([
    ['720p', {}, undefined],
    ['1080P', {}, 't2v_1080p'],
    ['1080p', { image: IMAGE }, 'i2v_first_1080p'],
    ['1080 p', { image: IMAGE, tail_image: IMAGE }, 'i2v_first_tail_1080p'],
    ['720p', { image: IMAGE, template_id: 'robo_arm' }, undefined],
    ['pro', {}, 'ti2v_pro'],
    ['PRO', { image: IMAGE }, 'ti2v_pro'],
  ])('the mode %s with %j is %s', (mode, beside, expected) => {
    expect(parse('generate_video', { prompt: 'x', ...beside, mode })).toEqual({
      prompt: 'x',
      ...beside,
      ...(expected === undefined ? {} : { mode: expected }),
    });
  });
  it.each<[string, Values]>([
    ['1080p', { image: IMAGE, template_id: 'robo_arm' }],
    ['pro', { image: IMAGE, tail_image: IMAGE }],
    ['4k', {}],
  ])('the mode %s with %j is refused', (mode, beside) => {
    expect(refusal('generate_video', { prompt: 'x', ...beside, mode })).toContain('`mode` must be one of');
  });
  it('no mode follows from a quality where there are no pictures to decide it', () => {
    expect(refusal('get_video_task', { task_id: 'x', mode: '1080p' })).toContain('`mode` must be one of');
  });
});

describe('hostile values', () => {
  const deep = JSON.parse(`${'['.repeat(5000)}1${']'.repeat(5000)}`);
  const noText = JSON.parse('{"toString":1,"valueOf":2}');
  const wrongNames = ['resolution', 'size', 'length', 'frames', 'images', 'model', 'style', 'ratio', 'n', 'foo'];
  it.each([...INPUTS.filter(([tool]) => tool === 'generate_video').map(([, input]) => input), ...wrongNames])(
    '%s: a deep list, an object that has no text, a megabyte: refused as an input, within a moment',
    (input) => {
      for (const value of [deep, noText, [noText], { url: noText }, `${'1'.repeat(1e6)} x y`, `${'`'.repeat(1e6)}x`]) {
        const from = performance.now();
        try {
          parse('generate_video', { prompt: 'x', image: IMAGE, [input]: value });
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_input' });
          expect((error as Error).message.length).toBeLessThan(3000);
        }
        expect(performance.now() - from).toBeLessThan(2000);
      }
    },
  );

  it('a thousand unknown names are refused in a few sentences', () => {
    const given = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`name${index}`, index]));
    expect(refusal('generate_video', { prompt: 'x', ...given }).length).toBeLessThan(4000);
  });
});

it('all faults of a call are reported together', () => {
  const given = {
    duration: 7,
    fps: 60,
    seed: 0.5,
    aspect_ratio: '2:1',
    camera_strength: 'weak',
    foo: 1,
    dry_run: 'yes',
  };
  const message = refusal('generate_video', given);
  for (const part of [
    '`foo` is not an input',
    '`prompt` is missing',
    '`duration` must be one of 4, 5, 6, 8, 10, but is 7.',
    '`fps` must be one of 24, 25, 30, but is 60.',
    '`seed` must be a whole number',
    '`aspect_ratio` must be one of 16:9',
    '`camera_strength` needs `template_id`',
    '`dry_run` must be true or false, but is "yes".',
  ])
    expect(message).toContain(part);
});
