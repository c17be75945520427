/** What a client reads before it calls anything. Evaluated when the program is built, so that it costs the start nothing. */
import * as z from 'zod';
import { compact } from '../compact.ts';
import { TOOLS } from './tools.ts';

export { PROMPTS } from './prompts.ts';
export { RESOURCE_TEMPLATES, RESOURCES } from './resources.ts';

/** Under 2 kB: Claude Code cuts longer ones. */
export const INSTRUCTIONS = `Makes videos with Volcengine's Jimeng (即梦AI) Video 3.0. A finished video costs money and takes 2 to 10 minutes.

- generate_video submits, waits at most wait_seconds and returns; while the video is not ready, call get_video_task with the task_id it gave, again and again, until it is done. Do not repeat the paid call: the same request joins the running one.
- For several videos: submit_video_task for each, then list_video_tasks with wait_seconds and wait_for all_finished, again and again, until none is open.
- Every answer about a task has a status and a next_step: do what next_step says. isError with charge "none" cost nothing. "unknown" may have been charged and is never sent again automatically: ask the user.
- Leave out every input that the user did not ask for, except the prompt, which you write. For another take of the same request: allow_duplicate or another seed. What a mode takes and costs: resource jimeng://modes.
- Tell the user the price before the first paid call (dry_run reports it); max_cost_cny refuses what costs more. When it is done show the saved path and the link; links expire, get_video_task gives a fresh one.`;

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, { io, target: 'draft-7' }) as JsonSchema;
}

/**
 * Only keywords that Gemini's function declarations, OpenAI's strict mode and Anthropic's strict tools all accept
 * (test/surface/model-apis.ts has the lists with their sources). Limits stand in the descriptions and are checked here.
 */
function portable(schema: JsonSchema): JsonSchema & { readonly type: 'object' } {
  const { type, description, properties, required, items } = schema;
  const entries = Object.entries(properties ?? {}).map(([name, property]) => [name, portable(property)]);
  return compact({
    type: type as 'object',
    description,
    enum: schema.enum,
    items: items && portable(items),
    properties: properties && Object.fromEntries(entries),
    required: required?.length === 0 ? undefined : required,
  });
}

/** What a report of another tool than the first names: the rest stands there. */
const ALWAYS: ReadonlySet<string> = new Set(['status', 'message', 'next_step']);

/** Results are built through the strict schema; a client that checks them needs no more than their outline. */
function outline(schema: JsonSchema, isWhole: boolean): JsonSchema & { readonly type: 'object' } {
  const isOwn = isWhole || schema.properties?.status === undefined;
  const given = Object.entries(schema.properties ?? {}).filter(([name]) => isOwn || ALWAYS.has(name));
  const properties = given.map(([name, property]) => {
    const { type, properties: inner, items } = property;
    if (type === 'array') return [name, { type, items: { type: items?.type } }];
    if (inner === undefined) return [name, property];
    return [name, isWhole ? { type, properties: inner } : { type }];
  });
  return compact({ type: 'object' as const, properties: Object.fromEntries(properties), required: schema.required });
}

/** As tools/list answers it. */
export const TOOL_LIST = TOOLS.map((tool) => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: portable(jsonSchema(tool.input, 'input')),
  // Written out once: the other tools answer with the same report.
  outputSchema: outline(jsonSchema(tool.output, 'output'), tool === TOOLS[0]),
  annotations: tool.annotations,
}));
