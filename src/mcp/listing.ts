/** What does a client see before it asks for anything? Made when the program is built: it costs the start nothing. */
import * as z from 'zod';
import { annotationsOf, type Tool } from './tool.ts';
import { TOOLS } from './tools.ts';

export { PROMPTS } from './prompts.ts';
export { RESOURCE_TEMPLATES, RESOURCES } from './resources.ts';

/** A model reads this in every conversation: what it does not need is left out. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-7' });
  return rest as typeof rest & { type: 'object' };
}

/** Results are built through the strict schema; a client that checks them needs no more than their shape. */
function outline(schema: { properties?: Record<string, unknown> }, isWhole: boolean) {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { type, properties: inner } = property as { type?: string; properties?: Record<string, unknown> };
    if (type === 'array') return [name, { type, items: { type: 'object' } }];
    return [
      name,
      inner !== undefined && isWhole ? { type, properties: inner } : inner === undefined ? property : { type },
    ];
  });
  const { additionalProperties: _, ...rest } = schema as typeof schema & { additionalProperties?: unknown };
  return { ...rest, type: 'object' as const, properties: Object.fromEntries(properties) };
}

function listed(tool: Tool) {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: jsonSchema(tool.input, 'input'),
    // Spelt out once: the other tools answer with the same report.
    outputSchema: outline(jsonSchema(tool.output, 'output'), tool === TOOLS[0]),
    annotations: annotationsOf(tool),
  };
}

/** As tools/list answers it. */
export const TOOL_LIST = TOOLS.map(listed);
