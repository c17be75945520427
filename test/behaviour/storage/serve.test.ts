/** The shared server with storage: each person has a folder of their own in the bucket, and links that anybody can fetch. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBucket } from '../../support/bucket.ts';
import { ffmpegPath } from '../../support/clips.ts';
import { addPeople, type HttpServer, startHttp } from '../../support/http-server.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../../support/swift.ts';

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('`serve` with storage (needs Swift)', () => {
  let swift: SwiftServer;
  let bucket: Awaited<ReturnType<typeof makeBucket>>;
  let workspace: Workspace;
  let sandbox: Sandbox;
  let server: HttpServer;
  let tokens: Map<string, string>;
  beforeAll(async () => {
    swift = await startSwift();
    bucket = await makeBucket(swift);
    workspace = await makeWorkspace();
    sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100, requestsPerSecond: 100_000 });
    const env = {
      ...workspace.environment(sandbox.url),
      JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.yaml'),
      JIMENG_VIDEO_STORAGE: bucket.address,
      JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '',
      AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
    };
    tokens = await addPeople(env, workspace.folder, ['mei'], ['yu']);
    server = await startHttp(env, [], workspace.folder);
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await sandbox?.close();
    await workspace?.remove();
    await swift?.close();
  });

  async function call(person: string, name: string, given: object) {
    const message = { id: 1, method: 'tools/call', params: { name, arguments: given } };
    const { body } = await server.post(message, { authorization: `Bearer ${tokens.get(person)}` });
    return { structured: body.result.structuredContent, text: String(body.result.content[0].text) };
  }
  const generate = async (person: string, given: object) =>
    (await call(person, 'generate_video', { wait_seconds: 50, ...given })).structured;
  const submits = () => sandbox.submits().length;

  it('two people’s videos of one name lie in folders of their own, and each link gives the whole video', async () => {
    const videos = [];
    for (const person of ['mei', 'yu']) videos.push((await generate(person, { prompt: person, output: 'dog' })).video);
    for (const [index, person] of ['mei', 'yu'].entries()) {
      const { path, url, bytes } = videos[index];
      expect(path).toMatch(new RegExp(`^s3://${bucket.name}/team/${person}/dog [0-9a-f]{16}\\.mp4$`));
      const response = await fetch(url);
      expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, bytes]);
    }
    const folders = (await bucket.keys()).map((key) => key.slice(0, key.lastIndexOf('/'))).sort();
    expect(folders).toEqual(['team/mei', 'team/yu']);
  });

  it.each([
    ['get_video_task', (id: string) => ({ task_id: id })],
    ['cancel_video_task', (id: string) => ({ task_id: id })],
    ['preview_video', (id: string) => ({ task_id: id })],
    ['join_videos', (id: string) => ({ videos: [id, id] })],
  ] as const)('another person’s stored video is answered by %s as one that does not exist', async (tool, given) => {
    const { task_id: id } = await generate('mei', { prompt: 'secret fox' });
    const [none, before] = ['jv-00000000-aaaaa', submits()];
    const [other, nobody] = [await call('yu', tool, given(id)), await call('yu', tool, given(none))];
    const plain = (value: unknown) => JSON.stringify(value).replaceAll(id, 'ID').replaceAll(none, 'ID');
    expect(plain(other)).toBe(plain(nobody));
    expect(plain(other)).not.toMatch(/secret|s3:/);
    expect(submits()).toBe(before);
  });

  it.each(['a/dog', '../yu/dog', '/tmp/dog.mp4', 's3://elsewhere/dog.mp4', 'a\\dog'])(
    '`output` %j is refused before anything is paid',
    async (output) => {
      const [before, keys] = [submits(), await bucket.keys()];
      const report = await generate('mei', { prompt: 'refused', output });
      expect([report.status, report.error.code]).toEqual(['refused', 'output_not_allowed']);
      expect([submits(), await bucket.keys()]).toEqual([before, keys]);
    },
  );

  it('a shot that is taken again joins the film under a new name, and the film before stays', async () => {
    const shots = [{ prompt: 'one dog' }, { prompt: 'two dogs' }];
    const { structured: film } = await call('mei', 'generate_film', { title: 'Dogs', shots, wait_seconds: 60 });
    expect(film.film?.path).toMatch(/\/team\/mei\/.*Dogs \w+ [0-9a-f]{16}\.mp4$/);
    const before = submits();
    // Of another length: two films of the same bytes, joined in the same second, are one object.
    const again = { film_id: film.film_id, shot: 2, prompt: 'three dogs', duration: 10 };
    await call('mei', 'retake_shot', { ...again, wait_seconds: 60 });
    const { structured: retaken } = await call('mei', 'get_video_task', { task_id: film.film_id, wait_seconds: 60 });
    expect([retaken.status, submits() - before]).toEqual(['done', 1]);
    expect(retaken.film.path).toMatch(/\/team\/mei\/.*Dogs \w+ [0-9a-f]{16}\.mp4$/);
    expect(retaken.film.path).not.toBe(film.film.path);
    for (const { url, bytes } of [film.film, retaken.film]) {
      expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(bytes);
    }
    const { structured: joined } = await call('mei', 'join_videos', { videos: [film.film_id, film.film_id] });
    expect((await (await fetch(joined.video.url)).arrayBuffer()).byteLength).toBe(joined.video.bytes);
  });
});
