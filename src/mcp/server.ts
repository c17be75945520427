/** How do the tools meet an MCP client? The only file that knows the SDK. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { ServiceHolder } from '../open-service.ts';
import { NAME, VERSION } from '../version.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { createProgress } from './progress.ts';
import { runTool } from './run-tool.ts';
import { annotationsOf, type Tool } from './tool.ts';
import { TOOLS } from './tools.ts';

/** Work that earlier processes left is taken up so long after initialize, if no tool call came before. */
const RESUME_AFTER_MILLISECONDS = 60_000;

export interface RunningServer {
  close(): Promise<void>;
}

export async function serveStdio(holder: ServiceHolder, log: Log): Promise<RunningServer> {
  const server = new Server(
    { name: NAME, title: 'Jimeng Video', version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  const over = new AbortController();
  server.oninitialized = () => void resumeLater(holder, over.signal);
  server.onerror = (error) => log.debug('protocol error', { reason: error.message });

  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS.map(listed) }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const arrivedAt = systemClock.monotonic();
    const tool = TOOLS.find(({ name }) => name === params.name);
    if (tool === undefined) {
      const names = TOOLS.map(({ name }) => name).join(', ');
      throw new McpError(
        ErrorCode.InvalidParams,
        `Unknown tool ${JSON.stringify(params.name.slice(0, 80))}; the tools are ${names}`,
      );
    }
    const token = params._meta?.progressToken;
    const progress = createProgress(systemClock, (sent) => {
      if (token === undefined) return;
      const notification = { method: 'notifications/progress' as const, params: { ...sent, progressToken: token } };
      extra.sendNotification(notification).catch(() => undefined);
    });
    const result = await runTool(
      tool,
      params.arguments ?? {},
      { holder, signal: extra.signal, arrivedAt, onWait: progress },
      log,
    );
    return {
      content: [{ type: 'text' as const, text: result.text }],
      structuredContent: { ...result.structured },
      ...(result.isError ? { isError: true } : {}),
    };
  });

  await server.connect(new StdioServerTransport());
  return {
    async close() {
      over.abort();
      await server.close();
    },
  };
}

async function resumeLater(holder: ServiceHolder, signal: AbortSignal): Promise<void> {
  try {
    await systemClock.sleep(RESUME_AFTER_MILLISECONDS, signal);
    (await holder.service()).resume();
  } catch {
    // Ended before, or without keys: the first call that needs them says so.
  }
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
  return { ...schema, additionalProperties: undefined, properties: Object.fromEntries(properties) };
}
