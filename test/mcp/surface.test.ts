/** What does a model read of this server in every conversation, and is it what it was? */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { INSTRUCTIONS } from '../../src/mcp/instructions.ts';
import { type RawServer, startRaw } from '../support/mcp-client.ts';

const bytes = (value: unknown) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

interface Listed {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Record<string, unknown>;
  readonly outputSchema: Record<string, unknown>;
  readonly annotations: Record<string, boolean>;
}

let servers: RawServer[];
let lines: string[];
let tools: Listed[];

beforeAll(async () => {
  servers = [
    startRaw({ LOG_LEVEL: 'silent' }),
    startRaw({ LOG_LEVEL: 'silent', TZ: 'Asia/Shanghai', LANG: 'zh_CN.UTF-8' }),
  ];
  lines = await Promise.all(
    servers.map(async (server) => {
      await server.initialize();
      server.send({ id: 1, method: 'tools/list' });
      await server.answer(1);
      return server.stdoutLines.at(-1) ?? '';
    }),
  );
  tools = JSON.parse(lines[0] ?? '').result.tools;
});
afterAll(() => {
  for (const server of servers) server.child.kill();
});

it('the surface is the frozen one', async () => {
  await expect(`${JSON.stringify(tools, null, 2)}\n`).toMatchFileSnapshot('../surface/tools.json');
});

it('two runs list it byte for byte the same', () => {
  expect(lines[0]).toBe(lines[1]);
});

it('names, descriptions and inputs are under 9 kB, the whole under 14 kB', () => {
  const read = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(bytes(read)).toBeLessThan(9_000);
  expect(bytes(tools)).toBeLessThan(14_000);
});

it('every tool has a title, a description under 2 kB and all annotations', () => {
  for (const { title, description, annotations } of tools) {
    expect(title.length).toBeGreaterThan(5);
    expect(bytes(description)).toBeLessThan(2_000);
    const hints = ['destructiveHint', 'idempotentHint', 'openWorldHint', 'readOnlyHint'];
    expect(Object.keys(annotations).sort()).toEqual(hints);
  }
});

it('no schema has a choice at its top, which some clients refuse; inputs take no unknown name', () => {
  for (const { inputSchema, outputSchema } of tools) {
    for (const schema of [inputSchema, outputSchema]) {
      expect(schema.type).toBe('object');
      expect(Object.keys(schema)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(anyOf|oneOf|allOf)$/)]));
    }
    expect(inputSchema.additionalProperties).toBe(false);
  }
});

it('only the two that pay are told as not free of effect', () => {
  const paid = tools.filter(({ annotations }) => !annotations.idempotentHint).map(({ name }) => name);
  expect(paid).toEqual(['generate_video', 'submit_video_task']);
});

it('the instructions are under 2 kB', () => {
  expect(bytes(INSTRUCTIONS)).toBeLessThan(2_000);
});

it('no wait is told as the default where the operator may have set another', () => {
  const told = JSON.stringify(tools.map(({ description, inputSchema }) => ({ description, inputSchema })));
  const waits = [told, INSTRUCTIONS].flatMap((text) => text.match(/\b45\b.{0,40}/g) ?? []);
  expect(waits.length).toBeGreaterThan(0);
  expect(waits.filter((words) => !words.startsWith('45 unless the server is set to another'))).toEqual([]);
});

it('a status and a next step are promised of what has them: answers about a task, and not lists', () => {
  const hasThem = ({ outputSchema: { properties } }: Listed) =>
    Object.keys(properties as object).filter((name) => ['status', 'next_step'].includes(name)).length === 2;
  expect(tools.filter((tool) => !hasThem(tool)).map(({ name }) => name)).toEqual(['list_video_tasks']);
  expect(INSTRUCTIONS).toContain('Every answer about a task has a status and a next_step');
});
