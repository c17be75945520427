/** Above JIMENG_VIDEO_CONFIRM_ABOVE_CNY a person says yes first: a real client with the built server; nothing is reserved before. */
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { type ElicitRequest, ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../support/mcp-client.ts';
import { readRecords } from '../../support/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const SERVER = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** Between the prices of 5 s (¥1.40) and 10 s (¥2.80) in 720P. */
const ABOVE = '2';

let sandbox: Sandbox;
let workspace: Workspace;
const clients: Client[] = [];
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.1, asProvider: true, tasksInFlight: 100 });
  workspace = await makeWorkspace();
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await sandbox.close();
  await workspace.remove();
});

type Reply = (params: ElicitRequest['params']) => Promise<ElicitResult> | ElicitResult;

/** @param reply undefined: a client without elicitation */
async function clientThat(reply: Reply | undefined) {
  const env = { ...workspace.environment(sandbox.url), JIMENG_VIDEO_CONFIRM_ABOVE_CNY: ABOVE };
  const transport = new StdioClientTransport({ command: process.execPath, args: [SERVER], env, stderr: 'ignore' });
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities: reply === undefined ? {} : { elicitation: {} } },
  );
  if (reply !== undefined) client.setRequestHandler(ElicitRequestSchema, ({ params }) => reply(params));
  clients.push(client);
  await client.connect(transport);
  return {
    async generate(given: Record<string, unknown>, options = {}) {
      const result = await client.callTool({ name: 'generate_video', arguments: given }, undefined, options);
      const [first] = result.content as { text: string }[];
      // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
      return { report: result.structuredContent as any, text: first?.text ?? '', isError: result.isError === true };
    },
  };
}

const recorded = (prompt: string) =>
  readRecords(workspace.stateDir).filter(({ request }) => request.prompt === prompt).length;
const sent = (prompt: string) => sandbox.submits(prompt).length;

it('a client that accepts: asked once with the price and the request, and nothing is recorded before the yes', async () => {
  const prompt = 'accepted **bold**';
  const questions: string[] = [];
  const atQuestion: number[] = [];
  const { generate } = await clientThat(({ message }) => {
    questions.push(message);
    atQuestion.push(recorded(prompt) + sent(prompt));
    return { action: 'accept', content: { confirm: true } };
  });
  const { report } = await generate({ prompt, duration: 8, wait_seconds: 40 });
  expect([report.status, report.cost.estimated_cny]).toEqual(['done', 2.8]);
  expect(questions).toEqual(['Generate this video for about ¥2.80? t2v_720p, 8 s: accepted **bold**']);
  expect([atQuestion, recorded(prompt), sent(prompt)]).toEqual([[0], 1, 1]);
  // The same call again joins, and another one asks again: the yes was for this request at this price.
  expect((await generate({ prompt, duration: 8, wait_seconds: 0 })).report.task_id).toBe(report.task_id);
  expect(questions).toHaveLength(1);
  await generate({ prompt: 'another', duration: 8, wait_seconds: 0 });
  await generate({ prompt, mode: 't2v_1080p', duration: 8, wait_seconds: 0 });
  expect(questions.slice(1)).toEqual([
    'Generate this video for about ¥2.80? t2v_720p, 8 s: another',
    'Generate this video for about ¥6.30? t2v_1080p, 8 s: accepted **bold**',
  ]);
});

it('at or below the limit nobody is asked', async () => {
  const { generate } = await clientThat(() => expect.fail('asked'));
  expect((await generate({ prompt: 'cheap', wait_seconds: 0 })).isError).toBe(false);
  expect((await generate({ prompt: 'dry', duration: 10, dry_run: true })).report.status).toBe('checked');
});

it.each<[string, Reply, string]>([
  ['declines', () => ({ action: 'decline' }), 'The user declined the price, so nothing was recorded or sent.'],
  ['cancels', () => ({ action: 'cancel' }), 'The user declined the price, so nothing was recorded or sent.'],
  [
    'says no in the form',
    () => ({ action: 'accept', content: { confirm: false } }),
    'The user declined the price, so nothing was recorded or sent.',
  ],
  [
    'fails',
    () => {
      throw new Error('no window');
    },
    'The price was not confirmed, so nothing was recorded or sent.',
  ],
])('a client that %s: refused', async (what, reply, sentence) => {
  const prompt = `a client that ${what}`;
  const { generate } = await clientThat(reply);
  const { report, isError, text } = await generate({ prompt, duration: 10 });
  expect([report.status, report.cost.charge, isError]).toEqual(['refused', 'none', true]);
  expect(text).toContain(sentence);
  expect([recorded(prompt), sent(prompt)]).toEqual([0, 0]);
});

it('a client that never answers, and gives up: nothing is recorded or sent', async () => {
  const prompt = 'never answered';
  let isAsked = false;
  const { generate } = await clientThat(() => {
    isAsked = true;
    return new Promise(() => undefined);
  });
  const leaving = new AbortController();
  const asked = generate({ prompt, duration: 10 }, { signal: leaving.signal });
  await until('the question', () => isAsked);
  leaving.abort(new Error('timed out'));
  await expect(asked).rejects.toThrow(/timed out/);
  expect([recorded(prompt), sent(prompt)]).toEqual([0, 0]);
});

it('a client without elicitation: refused, and the setting is named', async () => {
  const prompt = 'cannot ask';
  const { generate } = await clientThat(undefined);
  const { report, text } = await generate({ prompt, duration: 10 });
  expect([report.status, report.error.code]).toEqual(['refused', 'confirmation_unavailable']);
  expect(text).toContain(`about ¥2.80, above the ¥${Number(ABOVE).toFixed(2)} of JIMENG_VIDEO_CONFIRM_ABOVE_CNY`);
  expect([recorded(prompt), sent(prompt)]).toEqual([0, 0]);
});
