/** After a damaged database was set aside, every report says so, until a person has moved the file away. */
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { connect } from '../../support/mcp-client.ts';
import { type Stage, setStage } from './stage.ts';

const QUICK = ['--wait-seconds', '0'];

/** The sentence that every report has to hold. */
async function warningOf({ stateDir }: Stage): Promise<string> {
  const [name = 'none'] = (await readdir(stateDir)).filter((file) => /damaged-[^.]*$/.test(file));
  return `The database was damaged and set aside as ${join(stateDir, name)}. Videos recorded in it are not listed here; inspect it before you pay again.`;
}

const times = (text: string, part: string) => text.split(part).length - 1;

async function damage(stage: Stage): Promise<void> {
  const file = join(stage.stateDir, 'jimeng.db');
  for (const suffix of ['-wal', '-shm']) await rm(file + suffix, { force: true });
  await writeFile(file, 'not a database, but long enough to be read as the head of one');
}

test('a database that a newer version wrote is answered with the way out, which is no change of folders', async (context) => {
  const stage = await setStage(context);
  await stage.run('generate', 'one');
  const database = new DatabaseSync(join(stage.stateDir, 'jimeng.db'));
  database.exec('UPDATE schema_version SET version = 99');
  database.close();
  for (const args of [['list'], ['get'], ['generate', 'two']]) {
    const { stderr } = await stage.run(...args);
    expect(stderr, args.join(' ')).toContain('Install the newest version of this program.');
    expect(stderr, args.join(' ')).not.toContain('JIMENG_VIDEO_STATE_DIR');
  }
});

test('list, get and cancel name a damaged database that was set aside', async (context) => {
  const stage = await setStage(context);
  await stage.run('generate', 'one');
  await damage(stage);
  const list = await stage.run('list');
  const warning = await warningOf(stage);
  expect(times(list.stdout, warning)).toBe(1);
  expect(list.stdout).not.toMatch(/nothing is left to do/i);
  expect((await stage.runJson('list')).json.next_step).toContain(warning);
  for (const args of [['get'], ['get', 'jv-mf0h5s00-k7m2p'], ['cancel', 'jv-mf0h5s00-k7m2p']]) {
    const { stderr, code } = await stage.run(...args);
    expect(times(stderr, warning), args.join(' ')).toBe(1);
    expect(code).toBe(2);
  }
});

test('paid calls, their dry run, collect and doctor are refused or exit 1 until a damaged database is moved away', async (context) => {
  const stage = await setStage(context);
  await stage.run('generate', 'one');
  await damage(stage);
  await stage.run('list');
  const warning = await warningOf(stage);
  const collect = await stage.run('collect');
  expect(times(collect.stdout, warning)).toBe(1);
  expect(collect.stdout).not.toMatch(/everything is saved/);
  expect(collect.code).toBe(1);
  expect((await stage.runJson('collect')).json).toMatchObject([
    { status: 'refused', error: { code: 'state_damaged' } },
  ]);
  const doctor = await stage.run('doctor');
  expect(/To fix\n(.*?)\n\n/s.exec(doctor.stdout)?.[1]).toContain(warning);
  expect(doctor.code).toBe(1);
  const dryRun = await stage.runJson('generate', 'two', '--dry-run');
  expect(dryRun.json).toMatchObject({ status: 'refused', error: { code: 'state_damaged' } });
  expect(dryRun.json.message).toContain(warning);
  expect((await stage.run('generate', 'two')).stderr).toContain(warning);
  expect(stage.submits()).toHaveLength(1);

  const [aside = ''] = (await readdir(stage.stateDir)).filter((file) => /damaged-[^.]*$/.test(file));
  await rename(join(stage.stateDir, aside), join(stage.folder, 'looked-at.db'));
  expect(await stage.run('collect')).toMatchObject({ code: 0 });
  expect(await stage.run('generate', 'two', ...QUICK)).toMatchObject({ code: 3 });
});

test('tools name a damaged database once in each report, also where it is damaged while the server runs', async (context) => {
  const stage = await setStage(context);
  await stage.run('generate', 'one');
  await stage.run('generate', 'two');
  const server = await connect(stage.env, stage.workingDir);
  context.onTestFinished(() => server.close());
  expect((await server.call('list_video_tasks', {})).text).toContain('2 of 2');
  await damage(stage);
  // Another process finds it: the server has its pages in memory.
  await stage.run('list');
  const warning = await warningOf(stage);
  const list = await server.call('list_video_tasks', {});
  expect(list.text).toContain('none yet');
  expect(times(list.text, warning)).toBe(1);
  expect(list.structured.next_step).toContain(warning);
  for (const args of [{}, { task_id: 'jv-mf0h5s00-k7m2p' }]) {
    expect(times((await server.call('get_video_task', args)).report.message, warning)).toBe(1);
  }
  for (const tool of ['generate_video', 'submit_video_task']) {
    const { report } = await server.call(tool, { prompt: 'three', dry_run: true });
    expect(report).toMatchObject({ status: 'refused', error: { code: 'state_damaged' } });
    expect(times(report.message, warning)).toBe(1);
  }
  // A task that is recorded after all is reported with it, too.
  const providerId = stage.sandbox.accepted[0]?.taskId;
  const adopted = await server.call('get_video_task', { task_id: providerId, mode: 't2v_720p' });
  expect(adopted.report.status).toBe('done');
  expect(times(adopted.report.message, warning)).toBe(1);
});

test('a list says that its database was removed while the server ran', async (context) => {
  const stage = await setStage(context);
  const server = await connect(stage.env, stage.workingDir);
  context.onTestFinished(() => server.close());
  await server.call('generate_video', { prompt: 'one', wait_seconds: 50 });
  expect((await server.call('list_video_tasks', {})).text).toContain('1 of 1');
  // The server may be renewing its lease in it.
  await rm(stage.stateDir, { recursive: true, maxRetries: 5 });
  const warning = `The database ${join(stage.stateDir, 'jimeng.db')} was removed or replaced while this process was running`;
  const list = await server.call('list_video_tasks', {});
  expect(list.text).toContain('none yet');
  expect(list.structured.next_step).toContain(warning);
  expect((await server.call('get_video_task', {})).report.message).toContain(warning);
  // What is paid now is not in doubt.
  const made = await server.call('generate_video', { prompt: 'two', wait_seconds: 50 });
  expect(made.report.status).toBe('done');
});
