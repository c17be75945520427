/** How do the tools meet an MCP client? The only file that knows the SDK. */
import type { Readable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { ServiceHolder } from '../open-service.ts';
import { Problem } from '../problems.ts';
import { NAME, VERSION } from '../version.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { createProgress } from './progress.ts';
import { completeArgument, PROMPTS, renderPrompt } from './prompts.ts';
import { completeTaskId, RESOURCE_TEMPLATES, RESOURCES, readResource } from './resources.ts';
import { runTool } from './run-tool.ts';
import { annotationsOf, type Tool } from './tool.ts';
import { TOOLS } from './tools.ts';
import { MAX_LINE_BYTES, wholeLines } from './whole-lines.ts';

/** Work that earlier processes left is taken up so long after initialize, if no tool call came before. */
const RESUME_AFTER_MILLISECONDS = 60_000;

export interface RunningServer {
  close(): Promise<void>;
}

export async function serveStdio(holder: ServiceHolder, log: Log, stdin: Readable): Promise<RunningServer> {
  const server = new Server(
    { name: NAME, title: 'Jimeng Video', version: VERSION },
    { capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} }, instructions: INSTRUCTIONS },
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

  const lines = wholeLines((bytes) => log.warn('a line was too long, and is dropped', { bytes }));
  answerResources(server, holder);
  answerPrompts(server, holder);

  await server.connect(new StdioServerTransport(stdin.pipe(lines), undefined, { maxBufferSize: MAX_LINE_BYTES + 1 }));
  return {
    async close() {
      over.abort();
      await server.close();
    },
  };
}

/** The protocol's code for a resource that there is not. */
const RESOURCE_NOT_FOUND = -32002;

function answerResources(server: Server, holder: ServiceHolder): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [...RESOURCES] }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...RESOURCE_TEMPLATES] }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }) => {
    const read = await orProtocolError(ErrorCode.InternalError, () => readResource(params.uri, holder));
    if (read === undefined) {
      const shown = JSON.stringify(params.uri.slice(0, 80));
      throw new McpError(
        RESOURCE_NOT_FOUND,
        `No resource ${shown}; there are jimeng://modes and jimeng://tasks/{task_id}`,
      );
    }
    return { contents: [{ ...read }] };
  });
}

function answerPrompts(server: Server, holder: ServiceHolder): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const rendered = await orProtocolError(ErrorCode.InvalidParams, () => renderPrompt(params.name, params.arguments));
    if (rendered === undefined) {
      const names = PROMPTS.map(({ name }) => name).join(', ');
      throw new McpError(ErrorCode.InvalidParams, `Unknown prompt; the prompts are ${names}`);
    }
    return { ...rendered, messages: [...rendered.messages] };
  });
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }) => {
    const values =
      ref.type === 'ref/prompt'
        ? completeArgument(ref.name, argument.name, argument.value)
        : argument.name === 'task_id'
          ? await completeTaskId(argument.value, holder)
          : [];
    return { completion: { values, hasMore: false } };
  });
}

/** A problem becomes a protocol error with its sentence and what to do. */
async function orProtocolError<Value>(code: number, run: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new McpError(code, `${error.message} To mend it: ${error.mend}.`);
  }
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
