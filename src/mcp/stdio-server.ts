/** Serves the tools over stdio with the MCP SDK; the only file that imports it. */

import './zod-settings.ts';
import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  InitializeRequestSchema,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  JSONRPCRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  ResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { systemClock } from '../clock.ts';
import type { Caller } from '../library/library.ts';
import { wrongField } from '../transports/malformed-message.ts';
import { MAX_LINE_BYTES, StdioTransport } from '../transports/stdio.ts';
import { NAME, VERSION } from '../version.ts';
import { type AskClient, clientRequests } from './client-requests.ts';
import type { Handlers, Refused } from './handlers.ts';
import { INSTRUCTIONS, PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOL_LIST } from './listing.ts';
import type { ToolCall, ToolResult } from './tool.ts';

/** Work that earlier processes left open is resumed this long after initialize, if no tool call came before. */
const RESUME_AFTER_MILLISECONDS = 60_000;

/** The protocol's code for an unknown resource. */
const RESOURCE_NOT_FOUND = -32002;

/** The requests that the SDK has a handler for: it would answer a malformed one with -32603 and zod's own text. */
const HANDLED_REQUESTS = [
  InitializeRequestSchema,
  ListToolsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  ListPromptsRequestSchema,
  GetPromptRequestSchema,
  CompleteRequestSchema,
];

/** The SDK sends an error's code and message as they are; its own McpError puts the code into the message, too. */
class ProtocolError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** "Receivers that do not declare the task capability … MUST process requests of that type normally" (MCP 2025-11-25). */
class TasklessServer extends Server {
  protected override assertTaskHandlerCapability(): void {}
}

/** Whoever starts this process is the person whose tasks these are. */
const LOCAL_AGENT: Caller = { kind: 'local-agent' };

type LoadHandlers = () => Promise<Handlers>;
type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** @param load loads what a call needs: initialize and the lists are answered without it */
export async function serveStdio(load: LoadHandlers, stdin: Readable, stdout: Writable): Promise<void> {
  const server = new TasklessServer(
    { name: NAME, title: 'Jimeng Video', version: VERSION },
    { capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} }, instructions: INSTRUCTIONS },
  );
  /** Where no call waits: a failure to load is reported by the next call. */
  const withHandlers = (use: (handlers: Handlers) => unknown) => void load().then(use, () => undefined);
  const transport = new StdioTransport<JSONRPCMessage>(stdin, stdout, {
    refusalOf,
    tooLong: new ProtocolError(
      ErrorCode.InvalidRequest,
      `The message is longer than ${MAX_LINE_BYTES / 1024 / 1024} MB.`,
    ),
    onTooLong: (bytes) => withHandlers(({ log }) => log.warn('a line was too long and is dropped', { bytes })),
  });
  server.oninitialized = () => {
    const resume = () => withHandlers((handlers) => handlers.resume());
    systemClock.sleep(RESUME_AFTER_MILLISECONDS).then(resume, () => undefined);
  };
  server.onerror = ({ message: reason }) => withHandlers(({ log }) => log.debug('protocol error', { reason }));
  answerTools(server, load, () => transport.writable());
  answerResources(server, load);
  answerPrompts(server, load);
  await server.connect(transport);
}

/** @returns what is wrong with a message; undefined for one that the SDK accepts */
function refusalOf(message: unknown): ProtocolError | undefined {
  const request = JSONRPCRequestSchema.safeParse(message, { reportInput: true });
  if (request.success) {
    const handled = HANDLED_REQUESTS.find(({ shape }) => shape.method.value === request.data.method);
    const error = handled?.safeParse(message, { reportInput: true }).error;
    return error === undefined ? undefined : new ProtocolError(ErrorCode.InvalidParams, wrongField(error));
  }
  const others = [isJSONRPCNotification, isJSONRPCResultResponse, isJSONRPCErrorResponse];
  if (others.some((isOther) => isOther(message))) return undefined;
  return new ProtocolError(ErrorCode.InvalidRequest, wrongField(request.error));
}

/** @param writable resolves when the client has read enough of earlier answers */
function answerTools(server: Server, load: LoadHandlers, writable: () => Promise<void>): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOL_LIST }));
  // The SDK's own handler of tools/call answers a malformed call with zod's text.
  server.fallbackRequestHandler = async ({ method, params }, extra) => {
    const arrivedAt = systemClock.monotonic();
    if (method !== 'tools/call') throw new ProtocolError(ErrorCode.MethodNotFound, 'Method not found');
    const name = toolNamed(params?.name);
    const handlers = await load();
    const call = {
      signal: extra.signal,
      arrivedAt,
      progress: progressTo(params?._meta?.progressToken, extra),
      ...clientRequests(server.getClientCapabilities() ?? {}, askThrough(extra), extra.signal),
    };
    const result = await handlers.call(name, params?.arguments, call, writable);
    return {
      content: [{ type: 'text' as const, text: result.text }, ...picturesIn(result)],
      structuredContent: { ...result.structured },
      ...(result.isError ? { isError: true } : {}),
    };
  };
}

function picturesIn({ jpeg }: ToolResult) {
  if (jpeg === undefined) return [];
  return [{ type: 'image' as const, data: Buffer.from(jpeg).toString('base64'), mimeType: 'image/jpeg' }];
}

function progressTo(token: string | number | undefined, { sendNotification }: Extra): ToolCall['progress'] {
  if (token === undefined) return () => undefined;
  return (progress) => {
    const params = { ...progress, progressToken: token };
    sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}

function askThrough({ sendRequest }: Extra): AskClient {
  return async (request, { signal, timeoutMilliseconds }) =>
    await sendRequest(request as ServerRequest, ResultSchema, { signal, timeout: timeoutMilliseconds });
}

function toolNamed(name: unknown): string {
  const names = TOOL_LIST.map((tool) => tool.name);
  if (typeof name === 'string' && names.includes(name)) return name;
  const what =
    typeof name === 'string' ? `Unknown tool ${JSON.stringify(name.slice(0, 80))}` : 'A call needs a tool’s name';
  throw new ProtocolError(ErrorCode.InvalidParams, `${what}; the tools are ${names.join(', ')}`);
}

function answerResources(server: Server, load: LoadHandlers): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [...RESOURCES] }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...RESOURCE_TEMPLATES] }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const read = orThrow(ErrorCode.InternalError, await (await load()).readResource(uri, LOCAL_AGENT));
    if (read === undefined) {
      throw new ProtocolError(
        RESOURCE_NOT_FOUND,
        `No resource ${JSON.stringify(uri.slice(0, 80))}; there are jimeng://modes and jimeng://tasks/{task_id}`,
      );
    }
    return { contents: [{ ...read }] };
  });
}

function answerPrompts(server: Server, load: LoadHandlers): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const rendered = orThrow(ErrorCode.InvalidParams, await (await load()).renderPrompt(params.name, params.arguments));
    if (rendered === undefined) {
      const names = PROMPTS.map(({ name }) => name).join(', ');
      throw new ProtocolError(ErrorCode.InvalidParams, `Unknown prompt; the prompts are ${names}`);
    }
    return { ...rendered, messages: [...rendered.messages] };
  });
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }) => {
    const of = ref.type === 'ref/prompt' ? { prompt: ref.name } : ('resource' as const);
    const values = await (await load()).complete(of, argument.name, argument.value, LOCAL_AGENT);
    return { completion: { values: [...values], hasMore: false } };
  });
}

function orThrow<Value extends object>(code: number, result: Value | Refused | undefined): Value | undefined {
  if (result !== undefined && 'refusal' in result) throw new ProtocolError(code, result.refusal);
  return result as Value | undefined;
}
