/** A video gets to every place that it is wanted at, whole, once, and by whichever call asks. */
import { writeFileSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../support/mcp-client.ts';
import { lookInto } from './delivered-files.ts';

let stage: Stage;
let secondsAhead = 0;
beforeAll(async () => {
  stage = await openStage({ generationSeconds: 60, now: () => Date.now() + secondsAhead * 1000 });
});
afterAll(() => stage.close());

const videos = async () => (await lookInto(stage.workspace.outputDir)).names.filter((name) => name.endsWith('.mp4'));

it('calls that want copies at the same time get one each, whole', async () => {
  const { report } = await stage.call('generate_video', { prompt: 'copies', wait_seconds: 0 });
  secondsAhead += 60;
  const { task_id } = report;
  const saved = await stage.call('get_video_task', { task_id, wait_seconds: 50 });
  // Large enough that the copies overlap.
  await appendFile(saved.report.video?.path ?? '', Buffer.alloc(30_000_000, 'video'));
  const original = await readFile(saved.report.video?.path ?? '');
  const places = ['one.mp4', 'two.mp4', 'three.mp4', 'four.mp4', 'five.mp4', 'six.mp4'];
  const copies = await Promise.all(places.map((output) => stage.call('get_video_task', { task_id, output })));
  expect(copies.map(({ report: reported }) => reported.status)).toEqual(places.map(() => 'done'));
  for (const [index, { report: reported }] of copies.entries()) {
    expect(reported.message).toContain(`This is a copy; the first file is ${saved.report.video?.path}.`);
    expect(reported.video?.path).toBe(join(stage.workspace.outputDir, places[index] ?? ''));
    expect((await readFile(reported.video?.path ?? '')).equals(original)).toBe(true);
  }
});

it('calls that want it at the same time, after its file was removed, get it each where it was wanted', async () => {
  const { report } = await stage.call('generate_video', { prompt: 'removed', wait_seconds: 0 });
  secondsAhead += 60;
  const { task_id } = report;
  const saved = await stage.call('get_video_task', { task_id, wait_seconds: 50 });
  await rm(saved.report.video?.path ?? '');
  const places = ['here.mp4', 'there.mp4', 'elsewhere/'];
  const reported = await Promise.all(places.map((output) => stage.call('get_video_task', { task_id, output })));
  const paths = reported.map(({ report: one }) => one.video?.path ?? '');
  expect(paths.slice(0, 2)).toEqual(places.slice(0, 2).map((name) => join(stage.workspace.outputDir, name)));
  expect(dirname(paths[2] ?? '')).toBe(join(stage.workspace.outputDir, 'elsewhere'));
  const files = await Promise.all(paths.map((path) => readFile(path)));
  for (const file of files) expect(file.length).toBe(saved.report.video?.bytes);
});

it('a name that another file has gets a number once, however often it is asked for', async () => {
  const first = await stage.call('generate_video', { prompt: 'taken', output: 'taken.mp4', wait_seconds: 0 });
  // Of another length, so that its file is another one.
  const second = await stage.call('generate_video', { prompt: 'taken too', duration: 10, wait_seconds: 0 });
  secondsAhead += 60;
  await stage.call('get_video_task', { task_id: first.report.task_id, wait_seconds: 50 });
  const asked = { task_id: second.report.task_id, output: 'taken.mp4', wait_seconds: 50 };
  const paths = [];
  for (let round = 0; round < 3; round++) paths.push((await stage.call('get_video_task', asked)).report.video?.path);
  expect(new Set(paths)).toEqual(new Set([join(stage.workspace.outputDir, 'taken (2).mp4')]));
  expect((await videos()).filter((name) => name.startsWith('taken'))).toEqual(['taken (2).mp4', 'taken.mp4']);
});

it('a call that joins a running one and wants it elsewhere gets a next call that puts it there', async () => {
  await stage.call('generate_video', { prompt: 'joined', wait_seconds: 0 });
  for (const tool of ['generate_video', 'submit_video_task']) {
    const wanted = {
      prompt: 'joined',
      output: `${tool}.mp4`,
      ...(tool === 'generate_video' ? { wait_seconds: 0 } : {}),
    };
    const { report } = await stage.call(tool, wanted);
    expect(report.message).toContain(`The same request already exists as task ${report.task_id}`);
    const step = `{"task_id":"${report.task_id}","output":"${tool}.mp4"}`;
    expect(report.next_step).toBe(`Call get_video_task with ${step} to wait for it.`);
    const again = await stage.call('get_video_task', { ...JSON.parse(step), wait_seconds: 0 });
    expect(again.report.next_step).toBe(report.next_step);
  }
  secondsAhead += 60;
  const joined = await stage.call('submit_video_task', { prompt: 'joined', output: 'submit_video_task.mp4' });
  const { task_id } = joined.report;
  const output = 'generate_video.mp4';
  const { report } = await stage.call('get_video_task', { task_id, output, wait_seconds: 50 });
  expect(report.video?.path).toBe(join(stage.workspace.outputDir, output));
  // Finished now: a call that joins gets it immediately where it is wanted.
  const late = await stage.call('submit_video_task', { prompt: 'joined', output: 'submit_video_task.mp4' });
  expect(late.report.video?.path).toBe(join(stage.workspace.outputDir, 'submit_video_task.mp4'));
  await rm(late.report.video?.path ?? '');
  const fetched = await stage.call('submit_video_task', { prompt: 'joined', output: 'submit_video_task.mp4' });
  expect((await readFile(fetched.report.video?.path ?? '')).length).toBe(fetched.report.video?.bytes);
  expect(stage.sandbox.submits('joined')).toHaveLength(1);
});

it('a file that is gone, and that the provider no longer has, is reported as neither saved nor available', async () => {
  let ahead = 0;
  const brief = await openStage({
    generationSeconds: 0.2,
    linkLifeSeconds: 60,
    taskLifeSeconds: 100,
    now: () => Date.now() + ahead * 1000,
  });
  const { report: saved } = await brief.call('generate_video', { prompt: 'gone', wait_seconds: 50 });
  const path = saved.video?.path ?? '';
  await rm(path);
  ahead = 120;
  brief.sandbox.faults.add({ on: 'query', fault: { kind: 'status-word', word: 'expired' }, times: 'always' });
  const { report } = await brief.call('get_video_task', { task_id: saved.task_id, wait_seconds: 50 });
  expect(report).toMatchObject({ status: 'done', error: { code: 'not_found' }, cost: { charge: 'none' } });
  expect(report.video?.path).toBeUndefined();
  expect(report.message).toContain(
    `The video was saved, but ${path} no longer exists. The link had expired, and no fresh one was available: the provider no longer has the video.`,
  );
  expect(report.next_step).toBe('Ask the user before paying for it again.');
  await brief.close();
});

it('a copy that fails is reported with the video that is saved, joined or not, and forgotten by the next call', async () => {
  const { report: first } = await stage.call('submit_video_task', { prompt: 'copy' });
  secondsAhead += 60;
  const { report: saved } = await stage.call('get_video_task', { task_id: first.task_id, wait_seconds: 50 });
  // Every name that the copy could get is taken.
  const folder = join(stage.workspace.outputDir, 'full');
  await mkdir(folder);
  const names = Array.from({ length: 9_999 }, (_, index) => (index === 0 ? 'x.mp4' : `x (${index + 1}).mp4`));
  for (const name of names) writeFileSync(join(folder, name), '');
  const asked = [
    ['get_video_task', { task_id: first.task_id, output: 'full/x.mp4' }],
    ['submit_video_task', { prompt: 'copy', output: 'full/x.mp4' }],
  ] as const;
  for (const [tool, given] of asked) {
    const { report, isError } = await stage.call(tool, given);
    expect([report.status, report.task_id, isError]).toEqual(['done', first.task_id, false]);
    expect(report.video?.path).toBe(saved.video?.path);
    expect(report.message).toMatch(/The video is saved\. .*full/);
    expect(report.error).toBeDefined();
  }
  const { report } = await stage.call('get_video_task', { task_id: first.task_id });
  expect(report.error).toBeUndefined();
});
