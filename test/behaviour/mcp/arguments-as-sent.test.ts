/** The calls that real clients send, raw over stdio: the body that reaches the provider is the one that was meant, or nothing is sent. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawServer, startRaw } from '../../support/mcp-client.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const IMAGE = 'https://example.com/first.png';
const TAIL = 'https://example.com/tail.png';

let sandbox: Sandbox;
let workspace: Workspace;
let server: RawServer;
let nextId = 1;
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 1000, requestsPerSecond: 100_000 });
  workspace = await makeWorkspace();
  server = startRaw(workspace.environment(sandbox.url), workspace.folder);
  await server.initialize();
});
afterAll(async () => {
  server.child.stdin?.end();
  await server.exit();
  await sandbox.close();
  await workspace.remove();
});

/** @param given JSON text, put into the line as it stands */
async function callRaw(tool: string, given: string) {
  const id = nextId++;
  server.child.stdin?.write(
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":${given}}}\n`,
  );
  const { result } = await server.answer(id);
  return {
    // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
    structured: result?.structuredContent as any,
    text: result?.content[0]?.text ?? '',
    isError: result?.isError,
  };
}

const submits = () => sandbox.submits();
const bodyOf = (prompt: string) => submits().find(({ body }) => body?.prompt === prompt)?.body;

const T2V = { req_key: 'jimeng_t2v_v30', frames: 121 };
const FIRST = { req_key: 'jimeng_i2v_first_v30', frames: 121, image_urls: [IMAGE] };

/** From → the arguments as JSON, with P for a prompt of its own → the body without the prompt. */
const ROWS: readonly (readonly [from: string, given: string, body: object, prompt?: string])[] = [
  [
    'OpenClaw, LibreChat, NeMo, Langflow, OpenAI strict mode: null for every unused input',
    '{"prompt":P,"mode":null,"duration":null,"fps":null,"image":null,"tail_image":null,"seed":null,"aspect_ratio":null,"template_id":null,"camera_strength":null,"output":null,"allow_duplicate":null,"dry_run":null,"max_cost_cny":null,"wait_seconds":null}',
    T2V,
  ],
  [
    'form-filling clients: "" for every unused input',
    '{"prompt":P,"mode":"","duration":"","fps":"","image":"","tail_image":"","seed":"","aspect_ratio":"","template_id":"","camera_strength":"","output":"","allow_duplicate":"","dry_run":"","wait_seconds":""}',
    T2V,
  ],
  ['Claude Code desktop: the text "null"', '{"prompt":P,"image":"null","seed":"undefined","output":"None"}', T2V],
  [
    'Claude Code, Claude Desktop, Qwen Code, OpenClaw: numbers and booleans as texts',
    '{"prompt":P,"duration":"10","seed":"7","fps":"24","allow_duplicate":"false","dry_run":"false","wait_seconds":"0"}',
    { ...T2V, frames: 241, seed: 7 },
  ],
  ['a number with a point', '{"prompt":P,"duration":10.0,"seed":0.0}', { ...T2V, frames: 241, seed: 0 }],
  ['LM Studio: a text that looks like a number', '{"prompt":1984}', T2V, '1984'],
  [
    'n8n up to 2.2.4: its bookkeeping beside the inputs',
    '{"prompt":P,"toolCallId":"call_1","sessionId":"s","tool":"generate_video","action":"sendMessage","chatInput":"hello"}',
    T2V,
  ],
  ['SiYuan: _sessionID', '{"prompt":P,"_sessionID":"s"}', T2V],
  [
    'Cline, Letta, OpenHands: theirs',
    '{"prompt":P,"task_progress":"- [x] a","request_heartbeat":true,"security_risk":"LOW"}',
    T2V,
  ],
  [
    'form-like clients: every input with its default, without an image',
    '{"prompt":P,"mode":"t2v_720p","duration":5,"fps":24,"seed":-1,"camera_strength":"medium","allow_duplicate":false,"dry_run":false,"wait_seconds":45}',
    T2V,
  ],
  [
    'form-like clients: every input with its default, with an image',
    `{"prompt":P,"duration":5,"fps":24,"image":"${IMAGE}","tail_image":"","seed":-1,"aspect_ratio":"16:9","camera_strength":"medium"}`,
    FIRST,
  ],
  ['gateways: the arguments as JSON text', '"{\\"prompt\\":Q,\\"duration\\":\\"10\\"}"', { ...T2V, frames: 241 }],
  ['a single wrapping object', '{"input":{"prompt":P,"aspect_ratio":"9：16"}}', { ...T2V, aspect_ratio: '9:16' }],
  ['a wrapper as JSON text', '{"arguments":"{\\"prompt\\":Q}"}', T2V],
  [
    'OpenAI: an image as a content part',
    `{"prompt":P,"image":{"type":"image_url","image_url":{"url":"${IMAGE}"}}}`,
    FIRST,
  ],
  ['an image as a list', `{"prompt":P,"image":["${IMAGE}"]}`, FIRST],
  [
    'images as objects',
    `{"prompt":P,"image":{"url":"${IMAGE}"},"tail_image":{"url":"${TAIL}"}}`,
    { req_key: 'jimeng_i2v_first_tail_v30', frames: 121, image_urls: [IMAGE, TAIL] },
  ],
  [
    'people: 9x16 and 1080P',
    '{"prompt":P,"mode":"1080P","aspect_ratio":"9x16"}',
    { req_key: 'jimeng_t2v_v30_1080p', frames: 121, aspect_ratio: '9:16' },
  ],
  [
    'people: a camera template by its Chinese name',
    `{"prompt":P,"image":"${IMAGE}","template_id":"希区柯克推进","camera_strength":"Strong"}`,
    {
      req_key: 'jimeng_i2v_recamera_v30',
      frames: 121,
      image_urls: [IMAGE],
      template_id: 'hitchcock_dolly_in',
      camera_strength: 'strong',
    },
  ],
];

describe('what arrives is what was meant', () => {
  it.each(ROWS.map((row, index) => [row[0], index] as const))('%s', async (_from, index) => {
    const [, given, body, itsPrompt] = ROWS[index] ?? expect.fail();
    const prompt = itsPrompt ?? `row ${index}`;
    const raw = given.replace('P', JSON.stringify(prompt)).replace('Q', JSON.stringify(prompt).replaceAll('"', '\\"'));
    const { structured, text } = await callRaw('submit_video_task', raw.replace(/,"wait_seconds":("?)[^,}"]*\1/, ''));
    expect(structured?.error, text).toBeUndefined();
    expect(bodyOf(prompt)).toEqual({ ...body, prompt });
  });
});

it('the same request in other spellings joins the first: nothing is paid twice', async () => {
  const prompt = 'one request';
  const spellings = [
    { prompt, duration: 10, aspect_ratio: '9:16' },
    { prompt, duration: '10', aspect_ratio: '9x16', seed: -1, image: null },
    { prompt: ` ${prompt} `, duration: '10s', aspect_ratio: '9：16', camera_strength: 'medium', fps: '24' },
    { kwargs: { prompt, duration: 10.0, aspect_ratio: ' 9 : 16 ', mode: '720p' } },
    { prompt, duration: 10, aspect_ratio: '9:16', mode: 'T2V_720P', toolCallId: 'x' },
  ];
  const ids = new Set();
  for (const given of spellings) {
    const { structured } = await callRaw('submit_video_task', JSON.stringify(given));
    ids.add(structured.task_id);
  }
  expect(ids.size).toBe(1);
  expect(submits().filter(({ body }) => body?.prompt === prompt)).toHaveLength(1);
});

describe('nothing is sent', () => {
  it.each<[string, object, string]>([
    [
      'an unknown name',
      { prompt: 'unsent', resolution: '1080p' },
      'The right call: generate_video with {"prompt":"unsent","mode":"t2v_1080p"}.',
    ],
    [
      'a quality that no mode has with these inputs',
      { prompt: 'unsent', image: IMAGE, template_id: 'robo_arm', mode: '1080p' },
      '`mode` must be one of',
    ],
    ['a prompt of zero-width characters', { prompt: '\u200B\u200B' }, '`prompt` is empty'],
    ['half an emoji as the whole prompt', { prompt: '\uD83D' }, '`prompt` is empty'],
    [
      'a last frame without a first one',
      { prompt: 'unsent', tail_image: TAIL },
      '`tail_image` needs `image`, the first frame',
    ],
  ])('of a call with %s, and the refusal leads on', async (_what, given, sentence) => {
    const before = submits().length;
    const { structured, text, isError } = await callRaw('generate_video', JSON.stringify(given));
    expect([isError, structured.status, structured.cost]).toEqual([true, 'refused', { charge: 'none' }]);
    expect(text).toContain(sentence);
    expect(submits().length).toBe(before);
  });
});

it.each([{}, { dry_run: true }])(
  'a price above max_cost_cny is refused as cost_too_high, with both amounts (%o)',
  async (more) => {
    const before = submits().length;
    const given = JSON.stringify({ prompt: 'unsent', max_cost_cny: '1', ...more });
    const { structured, text } = await callRaw('generate_video', given);
    expect(structured).toMatchObject({ status: 'refused', cost: { charge: 'none' }, error: { code: 'cost_too_high' } });
    expect(text).toContain('This video costs about ¥1.40, and the limit of this call is ¥1.00.');
    expect(text).toContain('Choose a cheaper mode or a shorter duration, or raise the limit.');
    expect(submits().length).toBe(before);
  },
);

it('half an emoji inside a prompt becomes U+FFFD, and no answer contains it', async () => {
  const { structured } = await callRaw('submit_video_task', '{"prompt":"a dog \\ud83d"}');
  expect(bodyOf('a dog \uFFFD')).toMatchObject({ prompt: 'a dog \uFFFD' });
  expect(structured.prompt).toBe('a dog \uFFFD');
  const listed = await callRaw('list_video_tasks', '{"limit":"50"}');
  expect(JSON.stringify(listed)).not.toMatch(/\\ud83d/i);
});

describe('a task id', () => {
  it.each([(id: string) => `\`${id}\``, (id: string) => `task:${id}`, (id: string) => `jimeng://tasks/${id}`])(
    'is read as %s',
    async (spell) => {
      const prompt = `spelt ${spell('x')}`;
      const { structured } = await callRaw('submit_video_task', JSON.stringify({ prompt }));
      const got = await callRaw(
        'get_video_task',
        JSON.stringify({ task_id: spell(structured.task_id), wait_seconds: '0' }),
      );
      expect(got.structured.task_id).toBe(structured.task_id);
    },
  );

  it('left out is the newest task', async () => {
    const { structured } = await callRaw('submit_video_task', '{"prompt":"the newest"}');
    for (const nothing of ['{}', 'null', '{"task_id":null}', '{"task_id":""}', '{"task_id":"none"}']) {
      const got = await callRaw('get_video_task', nothing);
      expect([got.structured.task_id, got.structured.prompt]).toEqual([structured.task_id, 'the newest']);
    }
  });
});
