/** What a model reads of this server in every conversation: frozen, small, and accepted by every model API. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTRUCTIONS } from '../../src/mcp/listing.ts';
import { type RawServer, startRaw } from '../support/mcp-client.ts';
import { MODEL_APIS } from './model-apis.ts';

const bytes = (value: unknown) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Listed {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Schema;
  readonly outputSchema: Schema;
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
  await expect(`${JSON.stringify(tools, null, 2)}\n`).toMatchFileSnapshot('./tools.json');
});

it('two runs list it byte for byte the same', () => {
  expect(lines[0]).toBe(lines[1]);
});

it('names, descriptions and inputs are under 14 kB, the whole under 21 kB', () => {
  const read = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(bytes(read)).toBeLessThan(14_000);
  expect(bytes(tools)).toBeLessThan(21_000);
});

it('every tool has a title, a description under 2 kB and all annotations', () => {
  for (const { title, description, annotations } of tools) {
    expect(title.length).toBeGreaterThan(5);
    expect(bytes(description)).toBeLessThan(2_000);
    const hints = ['destructiveHint', 'idempotentHint', 'openWorldHint', 'readOnlyHint'];
    expect(Object.keys(annotations).sort()).toEqual(hints);
  }
});

describe.each(MODEL_APIS)('$name', ({ keywords, enumTypes }) => {
  it('accepts every input schema as it stands', () => {
    const check = (schema: Schema, place: string) => {
      expect(Object.keys(schema).filter((keyword) => !keywords.includes(keyword)), place).toEqual([]);
      expect(schema.type, place).toBeTypeOf('string');
      if (schema.enum !== undefined) expect(enumTypes, place).toContain(schema.type);
      expect(schema.enum?.every((value) => typeof value === 'string') ?? true, place).toBe(true);
      for (const [name, property] of Object.entries(schema.properties ?? {})) {
        check(property, `${place}.${name}`);
        expect(property.description?.length ?? 0, `${place}.${name}`).toBeGreaterThan(10);
      }
      if (schema.items !== undefined) check(schema.items, `${place}[]`);
    };
    for (const { name, inputSchema } of tools) check(inputSchema, name);
  });
});

it('every schema is one flat object', () => {
  for (const { inputSchema, outputSchema } of tools) {
    expect([inputSchema.type, outputSchema.type]).toEqual(['object', 'object']);
    // A film is a list of shots.
    for (const [name, { type }] of Object.entries(inputSchema.properties ?? {})) {
      const isList = ['shots', 'keyframes', 'videos'].includes(name);
      expect(isList ? ['array'] : ['string', 'number', 'integer', 'boolean']).toContain(type);
    }
  }
});

it('the cost of a tool is its annotations and a sentence of its description', () => {
  for (const { name, description, annotations } of tools) {
    const isPaid = ['generate_video', 'submit_video_task', 'generate_film', 'retake_shot'].includes(name);
    const isFirst = ['generate_video', 'submit_video_task'].includes(name);
    expect(annotations).toMatchObject({ idempotentHint: !isPaid, destructiveHint: false, openWorldHint: true });
    expect(description.endsWith(' Free.'), name).toBe(!isPaid);
    expect(description.includes('Costs money'), name).toBe(isPaid);
    expect(description.includes('5 s are ¥1.40 in 720p, ¥3.15 in 1080p, ¥5.00 in pro'), name).toBe(isFirst);
  }
  expect(tools.filter(({ annotations }) => annotations.readOnlyHint).map(({ name }) => name)).toEqual(['list_video_tasks']);
});

it('no description promises a length that is refused', () => {
  for (const { inputSchema } of tools) {
    const words = inputSchema.properties?.duration?.description ?? '4, 5, 6, 8 or 10, nothing between';
    expect(words).toContain('4, 5, 6, 8 or 10, nothing between');
  }
});

it('the instructions are under 2 kB', () => {
  expect(bytes(INSTRUCTIONS)).toBeLessThan(2_000);
});

it('no wait is stated as the default where the operator may have set another', () => {
  const reported = JSON.stringify(tools.map(({ description, inputSchema }) => ({ description, inputSchema })));
  const waits = [reported, INSTRUCTIONS].flatMap((text) => text.match(/\b45\b.{0,40}/g) ?? []);
  expect(waits.length).toBeGreaterThan(0);
  expect(waits.filter((words) => !words.startsWith('45 unless the server is set to another'))).toEqual([]);
});

it('a status and a next step are promised of what has them: answers about a task, and not lists', () => {
  const hasThem = ({ outputSchema: { properties } }: Listed) =>
    Object.keys(properties as object).filter((name) => ['status', 'next_step'].includes(name)).length === 2;
  expect(tools.filter((tool) => !hasThem(tool)).map(({ name }) => name)).toEqual(['list_video_tasks']);
  expect(INSTRUCTIONS).toContain('Every answer about a task has a status and a next_step');
});
