/** The sandbox accepts exactly the bodies that the service accepts, and names what is wrong with others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODE_NAMES, MODES, modeRow } from '../../../src/jimeng/modes.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { jpegHeader, pngHeader, post, QUERY, queryTask, submitTask, TEXT_BODY } from './signed-requests.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ tasksInFlight: 1000, requestsPerSecond: 1000, generationSeconds: 0 });
});
afterAll(() => sandbox.close());

const URL_IMAGE = 'https://example.com/cat.jpg';
const png = pngHeader(800, 600).toString('base64');
const FIRST = { req_key: 'jimeng_i2v_first_v30', prompt: 'a' };
const TAIL = { req_key: 'jimeng_i2v_first_tail_v30', prompt: 'a' };
const PRO = { req_key: 'jimeng_ti2v_v30_pro' };
const CAMERA = { req_key: 'jimeng_i2v_recamera_v30', prompt: 'a', image_urls: [URL_IMAGE] };
const ROBO = { ...CAMERA, template_id: 'robo_arm', camera_strength: 'weak' };

it.each(MODE_NAMES)('%s takes its smallest body', async (name) => {
  const mode = modeRow(name);
  const images = Number(mode.image === 'required') + Number(mode.tailImage === 'required');
  const body = {
    req_key: mode.reqKey,
    prompt: 'a',
    ...(images > 0 ? { image_urls: Array(images).fill(URL_IMAGE) } : {}),
    ...(mode.camera === 'required' ? { template_id: 'robo_arm', camera_strength: 'medium' } : {}),
  };
  expect((await post(sandbox, body)).json).toMatchObject({ code: 10000, data: { task_id: expect.any(String) } });
});

const accepted: [claim: string, body: object][] = [
  ['seed 0, and the largest', { ...TEXT_BODY, seed: 0 }],
  ['the largest seed', { ...TEXT_BODY, seed: 2147483647 }],
  ['241 frames and a ratio', { ...TEXT_BODY, frames: 241, aspect_ratio: '21:9' }],
  ['800 characters, counted as code points', { ...TEXT_BODY, prompt: '😀'.repeat(800) }],
  ['Pro with an image and no prompt', { ...PRO, image_urls: [URL_IMAGE] }],
  ['a PNG as raw base64', { ...FIRST, binary_data_base64: [png] }],
  ['a JPEG as raw base64', { ...FIRST, binary_data_base64: [jpegHeader(4096, 1400).toString('base64')] }],
  [
    'an image of exactly 4,928,307 bytes',
    { ...FIRST, binary_data_base64: [pngHeader(800, 600, 4_928_307).toString('base64')] },
  ],
];
it.each(accepted)('takes %s', async (_claim, body) => {
  expect((await post(sandbox, body)).json.code).toBe(10000);
});

const refused: [claim: string, field: string, body: object][] = [
  ['an unknown req_key', 'req_key', { ...TEXT_BODY, req_key: 'jimeng_t2v_v31' }],
  ['a field that nobody knows', 'fps', { ...TEXT_BODY, fps: 24 }],
  ["another mode's field", 'aspect_ratio', { ...FIRST, image_urls: [URL_IMAGE], aspect_ratio: '16:9' }],
  ['images in a text mode', 'image_urls', { ...TEXT_BODY, image_urls: [URL_IMAGE] }],
  ['no prompt', 'prompt', { req_key: TEXT_BODY.req_key }],
  ['an empty prompt', 'prompt', { ...TEXT_BODY, prompt: ' ' }],
  ['801 characters', 'prompt', { ...TEXT_BODY, prompt: 'a'.repeat(801) }],
  ['a prompt that is no string', 'prompt', { ...TEXT_BODY, prompt: 1 }],
  ['Pro with neither', 'prompt', PRO],
  ['a seed as text', 'seed', { ...TEXT_BODY, seed: '1' }],
  ['a broken seed', 'seed', { ...TEXT_BODY, seed: 1.5 }],
  ['a seed below −1', 'seed', { ...TEXT_BODY, seed: -2 }],
  ['a seed beyond 2^31', 'seed', { ...TEXT_BODY, seed: 2147483648 }],
  ['other frames', 'frames', { ...TEXT_BODY, frames: 193 }],
  ['frames as text', 'frames', { ...TEXT_BODY, frames: '121' }],
  ['another ratio', 'aspect_ratio', { ...TEXT_BODY, aspect_ratio: '2:1' }],
  ['an empty ratio', 'aspect_ratio', { ...TEXT_BODY, aspect_ratio: '' }],
  ['no template', 'template_id', { ...CAMERA, camera_strength: 'weak' }],
  ['no strength', 'camera_strength', { ...CAMERA, template_id: 'robo_arm' }],
  ['an unknown template', 'template_id', { ...ROBO, template_id: 'zoom' }],
  ['an unknown strength', 'camera_strength', { ...ROBO, camera_strength: 'high' }],
  ['no image', 'image_urls', FIRST],
  ['two images for one', 'image_urls', { ...FIRST, image_urls: [URL_IMAGE, URL_IMAGE] }],
  ['one image for two', 'image_urls', { ...TAIL, image_urls: [URL_IMAGE] }],
  ['URLs and bytes together', 'binary_data_base64', { ...FIRST, image_urls: [URL_IMAGE], binary_data_base64: [png] }],
  ['an image URL that is none', 'image_urls', { ...FIRST, image_urls: ['/home/cat.jpg'] }],
  ['a data: prefix', 'binary_data_base64', { ...FIRST, binary_data_base64: [`data:image/png;base64,${png}`] }],
  ['broken base64', 'binary_data_base64', { ...FIRST, binary_data_base64: [`${png}!`] }],
  [
    'a GIF',
    'binary_data_base64',
    { ...FIRST, binary_data_base64: [Buffer.from('GIF89a'.padEnd(64)).toString('base64')] },
  ],
  [
    'one byte too many',
    'binary_data_base64',
    { ...FIRST, binary_data_base64: [pngHeader(800, 600, 4_928_308).toString('base64')] },
  ],
  ['4097 pixels', 'binary_data_base64', { ...FIRST, binary_data_base64: [pngHeader(4097, 2000).toString('base64')] }],
  ['319 pixels', 'binary_data_base64', { ...FIRST, binary_data_base64: [jpegHeader(319, 320).toString('base64')] }],
  [
    'a ratio over 3',
    'binary_data_base64',
    { ...FIRST, binary_data_base64: [jpegHeader(400, 1201).toString('base64')] },
  ],
  ["the query's req_json", 'req_json', { ...TEXT_BODY, req_json: '{"aigc_meta":{}}' }],
];
it.each(refused)('refuses %s, by name', async (_claim, field, body) => {
  const before = sandbox.accepted.length;
  const { status, json } = await post(sandbox, body);
  expect(status).toBe(400);
  expect(json).toEqual({
    code: 50200,
    data: null,
    message: `Invalid Input Parameters: ${field}`,
    request_id: expect.any(String),
    status: 50200,
  });
  expect(sandbox.accepted.length).toBe(before);
});

describe('the envelope', () => {
  it.each([
    ['no JSON', '{"req_key":'],
    ['an array', '[]'],
    ['bytes that are no UTF-8', Buffer.from('7b2261223a22ff227d', 'hex')],
  ])('%s is refused', async (_claim, body) => {
    expect((await post(sandbox, body)).json.message).toBe('Invalid Input Parameters: body');
  });

  it('is application/json', async () => {
    expect((await post(sandbox, TEXT_BODY, { contentType: 'text/plain' })).json.code).toBe(50200);
  });
});

describe('a query', () => {
  it('takes its task id as text and knows no other fields', async () => {
    const taskId = await submitTask(sandbox);
    const ask = async (body: object) => (await post(sandbox, body, { action: QUERY })).json.message;
    expect(await ask({ req_key: TEXT_BODY.req_key, task_id: Number(taskId) })).toBe(
      'Invalid Input Parameters: task_id',
    );
    expect(await ask({ req_key: TEXT_BODY.req_key })).toBe('Invalid Input Parameters: task_id');
    expect(await ask({ req_key: TEXT_BODY.req_key, task_id: taskId, seed: 1 })).toBe('Invalid Input Parameters: seed');
    expect(await ask({ req_key: 'x', task_id: taskId })).toBe('Invalid Input Parameters: req_key');
  });

  it.each([
    'http://127.0.0.1/a.jpg',
    'http://2130706433/a',
    'http://192.168.1.9/a',
    'http://[::1]/a',
    'http://[fd00::1]/a',
    'http://localhost:8/a',
    'https://nas.local/a',
    'https://cdn.invalid/a.png',
  ])('says 50215 where the image URL could not be reached: %s', async (image) => {
    const taskId = await submitTask(sandbox, { ...FIRST, image_urls: [image] });
    const { status, json } = await queryTask(sandbox, taskId, MODES.i2v_first_720p.reqKey);
    expect([status, json.code, json.message]).toEqual([400, 50215, 'Input invalid for this service.']);
  });
});
