/** The sandbox, another service and another account stay apart in one state folder. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, type Session } from '../../support/mcp-client.ts';
import { SANDBOX_CREDENTIALS, type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const OTHER = { accessKeyId: 'AKLTsomebodyElse', secretAccessKey: 'b3RoZXI=' };
const PAIRS = ['embedded', 'one service', 'another service', 'another account'] as const;

let workspace: Workspace;
let sandboxes: Sandbox[];
let sessions: Session[];
const made: { task_id: string; provider: string }[] = [];

beforeAll(async () => {
  workspace = await makeWorkspace();
  sandboxes = await Promise.all([startSandbox(), startSandbox()]);
  const [one = '', other = ''] = sandboxes.map(({ url }) => url);
  const environments = [
    workspace.environment('sandbox', OTHER),
    workspace.environment(one, SANDBOX_CREDENTIALS),
    workspace.environment(other, SANDBOX_CREDENTIALS),
    workspace.environment(one, OTHER),
  ];
  sessions = await Promise.all(environments.map((environment) => connect(environment)));
  for (const [index, session] of sessions.entries()) {
    const { report } = await session.call('submit_video_task', { prompt: `by ${PAIRS[index]}` });
    made.push({ task_id: report.task_id ?? '', provider: report.provider?.task_id ?? '' });
    // The same request of another pair is none: nothing is joined.
    await session.call('submit_video_task', { prompt: 'by all' });
  }
});
afterAll(async () => {
  await Promise.all([...sessions, ...sandboxes].map((open) => open.close()));
  await workspace.remove();
});

it.each(PAIRS)('%s lists its own tasks only', async (pair) => {
  const { structured } = await (sessions[PAIRS.indexOf(pair)] as Session).call('list_video_tasks', { limit: 50 });
  const prompts = structured.tasks.map(({ prompt }: { prompt: string }) => prompt).sort();
  expect(prompts).toEqual(['by all', `by ${pair}`].sort());
});

it.each(PAIRS)('%s does not get the tasks of the others, by either id', async (pair) => {
  const own = PAIRS.indexOf(pair);
  for (const [index, { task_id, provider }] of made.entries()) {
    for (const id of [task_id, provider].filter((given) => given !== '')) {
      const { report } = await (sessions[own] as Session).call('get_video_task', { task_id: id, wait_seconds: 0 });
      expect([report.error?.code === 'no_record', id]).toEqual([index !== own, id]);
    }
  }
});

it('the user’s own keys never go to the embedded sandbox, and its videos are reported as not real', async () => {
  const { report } = await (sessions[0] as Session).call('get_video_task', {
    task_id: made[0]?.task_id,
    wait_seconds: 0,
  });
  expect(report.sandbox).toBe(true);
  expect(report.message).toContain('Sandbox: not a real video');
});
