/** Resources, prompts and completions reach a real client, with the protocol's own errors. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROMPTS } from '../../../src/mcp/prompts.ts';
import { RESOURCE_TEMPLATES, RESOURCES } from '../../../src/mcp/resources.ts';
import { connect, openStage, type Session, type Stage } from '../../support/mcp-client.ts';

let stage: Stage;
let keyless: Session;
beforeAll(async () => {
  stage = await openStage();
  keyless = await connect({ JIMENG_VIDEO_STATE_DIR: stage.workspace.stateDir, LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await keyless.close();
  await stage.close();
});

it('they are listed as they are written, without keys', async () => {
  const { client } = keyless;
  expect((await client.listResources()).resources).toEqual(RESOURCES);
  expect((await client.listResourceTemplates()).resourceTemplates).toEqual(RESOURCE_TEMPLATES);
  expect((await client.listPrompts()).prompts).toEqual(PROMPTS);
  const read = await client.readResource({ uri: 'jimeng://modes' });
  expect(read.contents).toMatchObject([{ uri: 'jimeng://modes', mimeType: 'text/markdown' }]);
});

it('a task reads as get_video_task reported it, and its id is completed; the provider is not queried', async () => {
  const made = await stage.call('generate_video', { prompt: 'A heron takes off', wait_seconds: 50 });
  const id = made.report.task_id ?? '';
  const requests = stage.sandbox.requests.length;
  const { contents } = await stage.client.readResource({ uri: `jimeng://tasks/${id}` });
  expect(contents).toEqual([{ uri: `jimeng://tasks/${id}`, mimeType: 'text/markdown', text: made.text }]);
  const { completion } = await stage.client.complete({
    ref: { type: 'ref/resource', uri: 'jimeng://tasks/{task_id}' },
    argument: { name: 'task_id', value: id.slice(0, 5) },
  });
  expect(completion.values).toEqual([id]);
  expect(stage.sandbox.requests.length).toBe(requests);
});

it('a prompt is filled in, its arguments are completed, and wrong ones are −32602 with each of them', async () => {
  const { client } = keyless;
  const { messages } = await client.getPrompt({ name: 'write_shot', arguments: { idea: '雨中的车', quality: 'pro' } });
  expect(messages).toMatchObject([{ role: 'user', content: { text: expect.stringContaining('¥5.00') } }]);
  const asked = client.complete({
    ref: { type: 'ref/prompt', name: 'move_camera' },
    argument: { name: 'template_id', value: 'hand' },
  });
  expect((await asked).completion.values).toEqual(['handheld']);
  await expect(client.getPrompt({ name: 'write_shot', arguments: { quality: '4k' } })).rejects.toMatchObject({
    code: -32602,
    message: expect.stringMatching(/`idea` is missing.*`quality` must be one of 720p, 1080p, pro/),
  });
  await expect(client.getPrompt({ name: 'nothing' })).rejects.toMatchObject({ code: -32602 });
});

it('an unknown resource is −32002; without keys, a task’s is an error that says what is missing', async () => {
  const unknown = stage.client.readResource({ uri: 'jimeng://tasks/jv-00000000-aaaaa' });
  await expect(unknown).rejects.toMatchObject({ code: -32002, message: expect.stringContaining('jimeng://modes') });
  const locked = keyless.client.readResource({ uri: 'jimeng://tasks/jv-00000000-aaaaa' });
  await expect(locked).rejects.toMatchObject({ code: -32603, message: expect.stringContaining('VOLC_ACCESSKEY') });
});
