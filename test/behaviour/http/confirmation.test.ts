/** Above JIMENG_VIDEO_CONFIRM_ABOVE_CNY a person says yes first, over HTTP too: asked through a result in revision 2026-07-28. */
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectV1, connectV2, type HttpServer, startHttp } from '../../support/http-server.ts';
import { readRecords } from '../../support/records.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

/** Between the prices of 5 s (¥1.40) and 10 s (¥2.80) in 720P. */
const ABOVE = '2';

let sandbox: Sandbox;
let workspace: Workspace;
let server: HttpServer;
beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.1, asProvider: true, tasksInFlight: 100 });
  workspace = await makeWorkspace();
  server = await startHttp({ ...workspace.environment(sandbox.url), JIMENG_VIDEO_CONFIRM_ABOVE_CNY: ABOVE });
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await workspace.remove();
});

const sent = (prompt: string) => sandbox.submits(prompt).length;
const recorded = (prompt: string) =>
  readRecords(workspace.stateDir).filter(({ request }) => request.prompt === prompt).length;

it.each([
  ['yes', { action: 'accept', content: { confirm: true } }, 'done', 1],
  ['no', { action: 'decline' }, 'refused', 0],
  ['a form sent off empty', { action: 'accept', content: {} }, 'refused', 0],
] as const)(
  'a client of revision 2026-07-28 is asked once with the price; after %s',
  async (what, reply, status, submits) => {
    const prompt = `confirmed with ${what}`;
    const questions: string[] = [];
    const client = await connectV2(server.url, undefined, { elicitation: { form: {} } });
    client.setRequestHandler('elicitation/create', ({ params }) => {
      questions.push(params.message);
      expect([sent(prompt), recorded(prompt)]).toEqual([0, 0]);
      return { ...reply, ...('content' in reply ? { content: { ...reply.content } } : {}) };
    });
    const given = { prompt, duration: 10, wait_seconds: 30 };
    const result = await client.callTool({ name: 'generate_video', arguments: given });
    await client.close();
    expect(questions).toEqual([expect.stringContaining('¥2.80')]);
    expect(questions[0]).toContain(prompt);
    expect(result.structuredContent).toMatchObject({ status });
    expect(sent(prompt)).toBe(submits);
  },
);

it('a client of an earlier revision is refused with the setting’s name, although it could ask', async () => {
  const client = await connectV1(server.url, undefined, { elicitation: {} });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { confirm: true } }));
  const prompt = 'without a session';
  const result = await client.callTool({ name: 'generate_video', arguments: { prompt, duration: 10 } });
  await client.close();
  expect(result.structuredContent).toMatchObject({ status: 'refused' });
  expect(JSON.stringify(result.content)).toContain('JIMENG_VIDEO_CONFIRM_ABOVE_CNY');
  expect([sent(prompt), recorded(prompt)]).toEqual([0, 0]);
});

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
};

function generate(given: object, more: object = {}) {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'generate_video' };
  const params = { name: 'generate_video', arguments: given, _meta: META, ...more };
  return server.post({ id: 1, method: 'tools/call', params }, headers);
}

it('a confirmation is good for its own call only: not for another prompt, another length, or an altered state', async () => {
  const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };
  const given = { prompt: 'asked for', duration: 10, wait_seconds: 30 };
  const { body } = await generate(given);
  expect(body.result.resultType).toBe('input_required');
  const { requestState } = body.result as { requestState: string };
  const [, payload = ''] = requestState.split('.');
  const decoded = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const forged = { ...decoded, exp: decoded.exp + 3600 };
  const altered = requestState.replace(payload, Buffer.from(JSON.stringify(forged)).toString('base64url'));
  for (const [other, state] of [
    [{ ...given, prompt: 'another' }, requestState],
    [{ ...given, allow_duplicate: true }, requestState],
    [{ ...given, mode: 't2v_1080p' }, requestState],
    [given, altered],
    [given, ''],
    [given, undefined],
  ] as const) {
    const again = await generate(other, { inputResponses, ...(state === undefined ? {} : { requestState: state }) });
    expect(again.body.result.resultType, JSON.stringify(other)).toBe('input_required');
  }
  expect([sent('asked for'), sent('another')]).toEqual([0, 0]);
  const right = await generate(given, { inputResponses, requestState });
  expect(right.body.result.structuredContent).toMatchObject({ status: 'done' });
  expect(sent('asked for')).toBe(1);
});
