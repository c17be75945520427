/** Two computers on one account and one PostgreSQL: the built server over stdio, and the command line. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { connect } from '../../support/mcp-client.ts';
import { startPostgres } from '../../support/postgres.ts';
import { runCommand } from '../../support/run-command.ts';
import { startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace } from '../../support/server-workspace.ts';

const SHIFT_CLOCK = fileURLToPath(new URL('../../support/shift-clock.cjs', import.meta.url));
const PROMPT = 'a red fox in the snow';

test('a laptop and a server share a store; while it is away nothing is paid, and afterwards everything goes on', async () => {
  const [server, sandbox] = [await startPostgres(), await startSandbox({ generationSeconds: 0.1 })];
  const [laptop, other] = [await makeWorkspace(), await makeWorkspace()];
  const store = (await server.createDatabase()).replace('jimeng@', 'jimeng:very-secret@');
  const environment = { JIMENG_VIDEO_STORE: store, PATH: process.env.PATH ?? '' };
  const session = await connect({ ...laptop.environment(sandbox.url), ...environment });
  const command = (...args: string[]) =>
    runCommand(args, { env: { ...other.environment(sandbox.url), ...environment }, workingDir: other.folder });
  const submits = () => sandbox.submits().length;
  try {
    const made = await session.call('generate_video', { prompt: PROMPT });
    expect(made.report).toMatchObject({ status: 'done' });

    // The same request from the other computer joins it.
    const again = await command('generate', PROMPT, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ task_id: made.report.task_id, status: 'done' });
    expect(submits()).toBe(1);

    await server.stopImmediately();
    const refused = await session.call('generate_video', { prompt: 'a boat' });
    expect(refused.report).toMatchObject({ status: 'refused', error: { code: 'store_unavailable', retryable: true } });
    expect(refused.text).toContain('nothing is sent before it is recorded');
    const refusedThere = await command('generate', 'a boat', '--json');
    expect(JSON.parse(refusedThere.stdout)).toMatchObject({ status: 'refused', error: { code: 'store_unavailable' } });
    expect(submits()).toBe(1);

    await server.start();
    expect((await session.call('generate_video', { prompt: 'a boat' })).report).toMatchObject({ status: 'done' });
    expect(submits()).toBe(2);
    expect(JSON.parse((await command('list', '--json')).stdout).tasks).toHaveLength(2);
    for (const printed of [session.stderr(), refused.text, refusedThere.stderr, refusedThere.stdout]) {
      expect(printed).not.toContain('very-secret');
    }
    const states = await Promise.all(
      [laptop.readState(), other.readState()].map((read) => read.catch(() => new Map())),
    );
    expect(states.flatMap((files) => [...files.keys()]).filter((path) => path.endsWith('.db'))).toEqual([]);
  } finally {
    await session.close();
    await sandbox.close();
    await server.close();
    await laptop.remove();
    await other.remove();
  }
});

test('a computer whose clock is an hour behind joins what another has just finished, and is joined', async () => {
  const server = await startPostgres();
  const sandbox = await startSandbox({ generationSeconds: 0.1, maxSkewSeconds: 7200 });
  const [late, other] = [await makeWorkspace(), await makeWorkspace()];
  const store = { JIMENG_VIDEO_STORE: await server.createDatabase(), PATH: process.env.PATH ?? '' };
  const shifted = { NODE_OPTIONS: `--require ${SHIFT_CLOCK}`, CLOCK_SHIFT: String(-3600_000) };
  const sessions = [
    await connect({ ...late.environment(sandbox.url), ...store, ...shifted }),
    await connect({ ...other.environment(sandbox.url), ...store }),
  ];
  const submits = () => sandbox.submits().length;
  try {
    for (const prompt of ['first here', 'first there']) {
      const made = [];
      for (const session of sessions) made.push((await session.call('generate_video', { prompt })).report);
      expect(made.map(({ status }) => status)).toEqual(['done', 'done']);
      expect(made[1]?.task_id).toBe(made[0]?.task_id);
      sessions.reverse();
    }
    expect(submits()).toBe(2);
  } finally {
    for (const session of sessions) await session.close();
    await sandbox.close();
    await server.close();
    await late.remove();
    await other.remove();
  }
});
