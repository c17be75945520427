/** What one person's agent can learn of another's work, or of the server's disk, over HTTP: nothing. Real tokens, raw requests. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addPeople, type HttpServer, startHttp } from '../../support/http-server.ts';
import { makePng } from '../../support/pictures.ts';
import { readRecords } from '../../support/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const NO_TASK = 'jv-00000000-aaaaa';
const NO_FILM = 'jf-00000000-aaaaa';

let workspace: Workspace;
let sandbox: Sandbox;
let server: HttpServer;
let tokens: Map<string, string>;
/** Of mei. */
let task: string;
let providerId: string;
let film: string;

beforeAll(async () => {
  workspace = await makeWorkspace();
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100, requestsPerSecond: 100_000 });
  const env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.yaml') };
  tokens = await addPeople(env, workspace.folder, ['mei'], ['yu', '--budget', '3'], ['ann', '--admin']);
  server = await startHttp(env, [], workspace.folder);
  const made = await call('mei', 'generate_video', { prompt: 'secret fox', wait_seconds: 30 });
  task = made.structured.task_id;
  providerId = made.structured.provider.task_id;
  const shots = [{ prompt: 'secret one' }, { prompt: 'secret two' }];
  film = (await call('mei', 'generate_film', { shots, wait_seconds: 30 })).structured.film_id;
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await workspace.remove();
});

async function request(person: string, method: string, params: object) {
  const { body } = await server.post({ id: 1, method, params }, { authorization: `Bearer ${tokens.get(person)}` });
  return body;
}
async function call(person: string, name: string, given: object) {
  const { result } = await request(person, 'tools/call', { name, arguments: given });
  return { structured: result.structuredContent, text: String(result.content[0].text), isError: result.isError };
}
const submits = () => sandbox.submits().length;

it('an admin is told whose each video and film is; whoever sees only their own is told of nobody', async () => {
  const { task_id: own } = (await call('ann', 'generate_video', { prompt: 'of ann', wait_seconds: 30 })).structured;
  const list = await call('ann', 'list_video_tasks', { limit: 50 });
  const persons = new Map(list.structured.tasks.map((item: { task_id: string }) => [item.task_id, item]));
  expect(persons.get(task)).toMatchObject({ person: 'mei' });
  expect(persons.get(own)).not.toHaveProperty('person');
  expect(list.structured.films).toMatchObject([{ film_id: film, person: 'mei' }]);
  expect(list.text).toContain(`${task} done (t2v_720p, of mei, `);
  expect(list.text).toMatch(new RegExp(`${film} done \\(2 of 2 shots saved, of mei, `));
  for (const id of [task, film]) {
    const report = await call('ann', 'get_video_task', { task_id: id });
    expect([report.structured.person, report.text]).toEqual(['mei', expect.stringContaining('\n- Person: mei\n')]);
  }
  const resource = await request('ann', 'resources/read', { uri: `jimeng://tasks/${task}` });
  expect(resource.result.contents[0].text).toContain('- Person: mei');
  const answers = [await call('ann', 'get_video_task', { task_id: own }), await call('mei', 'list_video_tasks', {})];
  answers.push(
    await call('mei', 'get_video_task', { task_id: task }),
    await call('mei', 'get_video_task', { task_id: film }),
  );
  for (const { structured, text } of answers) {
    expect(JSON.stringify(structured)).not.toContain('"person"');
    expect(text).not.toMatch(/Person|\bof mei\b/);
  }
});

describe('somebody else’s work is answered as work that does not exist, and nothing of it is told:', () => {
  it.each<[string, string, (id: string, film: string) => object]>([
    ['its task', 'get_video_task', (id) => ({ task_id: id })],
    ['its task, withdrawn', 'cancel_video_task', (id) => ({ task_id: id })],
    ['its picture', 'preview_video', (id) => ({ task_id: id })],
    ['its task, joined', 'join_videos', (id) => ({ videos: [id, id] })],
    ['its last frame', 'generate_video', (id) => ({ prompt: 'a dog', image: `task:${id}` })],
    ['its film', 'get_video_task', (_id, of) => ({ task_id: of })],
    ['its film, withdrawn', 'cancel_video_task', (_id, of) => ({ task_id: of })],
    ['its film’s picture', 'preview_video', (_id, of) => ({ film_id: of })],
    ['its shot, taken again', 'retake_shot', (_id, of) => ({ film_id: of, shot: 1 })],
  ])('%s (%s)', async (_what, tool, given) => {
    const before = submits();
    const other = await call('yu', tool, given(task, film));
    const nobody = await call('yu', tool, given(NO_TASK, NO_FILM));
    const plain = (text: string) =>
      text.replaceAll(task, 'ID').replaceAll(NO_TASK, 'ID').replaceAll(film, 'F').replaceAll(NO_FILM, 'F');
    expect(plain(other.text)).toBe(plain(nobody.text));
    expect(plain(JSON.stringify(other.structured))).toBe(plain(JSON.stringify(nobody.structured)));
    expect(JSON.stringify(other)).not.toContain('secret');
    expect(submits()).toBe(before);
  });

  it('its resource', async () => {
    const read = (person: string, id: string) => request(person, 'resources/read', { uri: `jimeng://tasks/${id}` });
    expect((await read('mei', task)).result.contents[0].text).toContain('secret fox');
    for (const id of [task, providerId]) {
      const plain = (value: unknown) => JSON.stringify(value).replaceAll(id, 'ID').replaceAll(NO_TASK, 'ID');
      expect(plain(await read('yu', id))).toBe(plain(await read('yu', NO_TASK)));
    }
  });

  it('the completion of its id', async () => {
    const complete = (person: string) =>
      request(person, 'completion/complete', {
        ref: { type: 'ref/resource', uri: 'jimeng://tasks/{task_id}' },
        argument: { name: 'task_id', value: 'jv-' },
      });
    expect((await complete('mei')).result.completion.values).toContain(task);
    expect((await complete('yu')).result.completion.values).toEqual([]);
  });

  it('the list, its counts and its sums', async () => {
    const { structured, text } = await call('yu', 'list_video_tasks', {});
    expect([structured.tasks, structured.films]).toEqual([[], []]);
    expect(structured.spent).toMatchObject({ last_24h_cny: 0, all_time_cny: 0 });
    expect(text).not.toContain('secret');
    expect((await call('ann', 'list_video_tasks', {})).text).toContain('secret fox');
  });

  it('the same request: it is made again, and not joined', async () => {
    const before = submits();
    const { structured } = await call('yu', 'generate_video', { prompt: 'secret fox', wait_seconds: 30 });
    expect([structured.status, submits()]).toEqual(['done', before + 1]);
    expect(structured.task_id).not.toBe(task);
  });
});

it('a person’s budget of the list is the limit of that person alone', async () => {
  const before = submits();
  const { structured } = await call('yu', 'generate_video', { prompt: 'above the budget', duration: 10 });
  expect([structured.status, submits()]).toEqual(['refused', before]);
  const mei = await call('mei', 'generate_video', { prompt: 'within no budget', duration: 10, wait_seconds: 30 });
  expect(mei.structured.status).toBe('done');
});

describe('a refusal advises only what works over HTTP:', () => {
  it.each([
    ['of a private network', 'http://127.0.0.1/a.png'],
    ['behind a password', 'https://user:word@example.com/a.png'],
    ['with a very long URL', `https://example.com/${'a'.repeat(9_000)}.png`],
    ['cut in its base64', 'data:image/png;base64,iVBORw0KGgo…'],
    ['on another service', 'sftp://example.com/a.png'],
    ['attached to the chat', 'sandbox:/mnt/data/a.png'],
    ['of Windows', 'C:\\pictures\\a.png'],
    ['of another home', '~yu/a.png'],
  ])('no path for a picture %s', async (_what, image) => {
    const { structured, text } = await call('yu', 'generate_video', { prompt: 'a dog', image, dry_run: true });
    expect(structured.status).toBe('refused');
    expect(text).toMatch(/data URL|http\(s\) URL/);
    expect(text).not.toMatch(/(its|a local|the full|full|the) path\b/);
  });

  it('no picture of this computer beside a URL', async () => {
    const tail_image = `data:image/png;base64,${makePng({ width: 320, height: 320 }).toString('base64')}`;
    const given = { prompt: 'a dog', image: 'https://example.com/a.png', tail_image, dry_run: true };
    const { text } = await call('yu', 'generate_video', given);
    expect(text).toContain('Give both as URLs, or both as data URLs.');
    expect(text).not.toContain('picture of this computer');
  });

  it.each<[string, object]>([
    ['get_video_task', { task_id: NO_TASK }],
    ['preview_video', { task_id: NO_TASK }],
    ['preview_video', { film_id: NO_FILM }],
    ['join_videos', { videos: [NO_TASK, NO_TASK] }],
    ['generate_video', { prompt: 'a dog', image: `task:${NO_TASK}` }],
    ['retake_shot', { film_id: NO_FILM, shot: 1 }],
  ])('no id of the provider, which a person cannot use (%s, %o)', async (tool, given) => {
    expect((await call('yu', tool, given)).text).not.toMatch(/elsewhere|provider/);
  });
});

describe('a path of the server’s disk is refused before anything is recorded or sent:', () => {
  const paths = () => [
    join(workspace.folder, 'picture.png'),
    `file://${workspace.folder}/picture.png`,
    '~/picture.png',
    'picture.png',
    '../picture.png',
    `${workspace.stateDir}/jimeng.db`,
    '/etc/passwd',
  ];
  beforeAll(async () => {
    // There is one, so that only the rule keeps it from being read.
    const { makePng } = await import('../../support/pictures.ts');
    await writeFile(join(workspace.folder, 'picture.png'), makePng({ width: 640, height: 360 } as never));
  });

  it.each<[string, string, (path: string) => object]>([
    ['image', 'generate_video', (path) => ({ prompt: 'a dog', image: path })],
    ['image of a dry run', 'generate_video', (path) => ({ prompt: 'a dog', image: path, dry_run: true })],
    [
      'image as an object',
      'generate_video',
      (path) => ({ prompt: 'a dog', image: { type: 'image_url', image_url: { url: path } } }),
    ],
    [
      'tail_image',
      'submit_video_task',
      (path) => ({ prompt: 'a dog', image: 'https://example.com/a.png', tail_image: path }),
    ],
    ['shots[].image', 'generate_film', (path) => ({ shots: [{ prompt: 'a', image: path }, { prompt: 'b' }] })],
    [
      'shots[].tail_image',
      'generate_film',
      (path) => ({ shots: [{ prompt: 'a', image: 'https://example.com/a.png', tail_image: path }, { prompt: 'b' }] }),
    ],
    [
      'keyframes',
      'generate_film',
      (path) => ({ shots: [{ prompt: 'a' }, { prompt: 'b' }], keyframes: [path, path, path] }),
    ],
    ['audio of a film', 'generate_film', (path) => ({ shots: [{ prompt: 'a' }, { prompt: 'b' }], audio: path })],
    ['image of a retake', 'retake_shot', (path) => ({ film_id: film, shot: 1, image: path })],
    [
      'tail_image of a retake',
      'retake_shot',
      (path) => ({ film_id: film, shot: 1, image: 'https://example.com/a.png', tail_image: path }),
    ],
    ['videos', 'join_videos', (path) => ({ videos: [path, path] })],
    ['audio of a join', 'join_videos', (path) => ({ videos: [task, task], audio: path })],
    ['path', 'preview_video', (path) => ({ path })],
  ])('%s (%s)', async (_what, tool, given) => {
    const [before, records] = [submits(), readRecords(workspace.stateDir).length];
    for (const path of paths()) {
      const { structured, text, isError } = await call('mei', tool, given(path));
      expect([structured.status, isError], `${path}: ${text}`).toEqual(['refused', true]);
      expect(text, path).not.toMatch(/no such file|does not exist|not found|\b640\b|root:/i);
    }
    expect([submits(), readRecords(workspace.stateDir).length]).toEqual([before, records]);
  });

  it.each(['generate_video', 'submit_video_task', 'get_video_task', 'generate_film', 'join_videos'])(
    '`output` that is more than a name (%s)',
    async (tool) => {
      const inputs: Record<string, object> = {
        get_video_task: { task_id: task },
        generate_film: { shots: [{ prompt: 'a' }, { prompt: 'b' }] },
        join_videos: { videos: [task, task] },
      };
      const before = submits();
      for (const output of ['a/dog', '/tmp/dog', '../yu/dog', '~/dog', 'a\\dog', 'file:///tmp/dog.mp4', '..']) {
        const { structured, text } = await call('mei', tool, { ...(inputs[tool] ?? { prompt: 'a dog' }), output });
        expect(structured.status, `${output}: ${text}`).toBe('refused');
        expect(text).toContain('only the name of a file');
      }
      expect(submits()).toBe(before);
    },
  );

  it('a name is where it is saved, in a folder of the person’s own', async () => {
    const { structured } = await call('mei', 'generate_video', { prompt: 'named', output: 'dog', wait_seconds: 30 });
    expect(structured.video.path).toBe(join(workspace.outputDir, 'mei', 'dog.mp4'));
  });
});
