/** Serves the tools over stdio with the MCP SDK; the only file that imports it. */

import './zod-settings.ts';
import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CompleteRequestSchema,
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
import { MAX_LINE_BYTES, StdioTransport } from '../transports/stdio.ts';
import { NAME, VERSION } from '../version.ts';
import { type AskClient, clientRequests } from './client-requests.ts';
import type { Handlers } from './handlers.ts';
import { INSTRUCTIONS, PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOL_LIST } from './listing.ts';
import {
  CODES,
  callResult,
  orThrow,
  ProtocolError,
  refusalBy,
  toolNamed,
  unknownPrompt,
  unknownResource,
} from './protocol.ts';
import type { ToolCall } from './tool.ts';

/** Work that earlier processes left open is resumed this long after initialize, if no tool call came before. */
const RESUME_AFTER_MILLISECONDS = 60_000;

const refusalOf = refusalBy({
  request: JSONRPCRequestSchema,
  handled: [
    ...[
      InitializeRequestSchema,
      ListToolsRequestSchema,
      ListResourcesRequestSchema,
      ListResourceTemplatesRequestSchema,
    ],
    ...[ReadResourceRequestSchema, ListPromptsRequestSchema, GetPromptRequestSchema, CompleteRequestSchema],
  ],
  isOther: (message) =>
    [isJSONRPCNotification, isJSONRPCResultResponse, isJSONRPCErrorResponse].some((isOne) => isOne(message)),
});

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
    tooLong: new ProtocolError(CODES.invalidRequest, `The message is longer than ${MAX_LINE_BYTES / 1024 / 1024} MB.`),
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

/** @param writable resolves when the client has read enough of earlier answers */
function answerTools(server: Server, load: LoadHandlers, writable: () => Promise<void>): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOL_LIST }));
  // The SDK's own handler of tools/call answers a malformed call with zod's text.
  server.fallbackRequestHandler = async ({ method, params }, extra) => {
    const arrivedAt = systemClock.monotonic();
    if (method !== 'tools/call') throw new ProtocolError(CODES.methodNotFound, 'Method not found');
    const name = toolNamed(params?.name);
    const handlers = await load();
    const call = {
      signal: extra.signal,
      arrivedAt,
      progress: progressTo(params?._meta?.progressToken, extra),
      ...clientRequests(server.getClientCapabilities() ?? {}, askThrough(extra), extra.signal),
    };
    const result = await handlers.call(name, params?.arguments, call, writable);
    return callResult(result);
  };
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

function answerResources(server: Server, load: LoadHandlers): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [...RESOURCES] }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...RESOURCE_TEMPLATES] }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const read = orThrow(CODES.internalError, await (await load()).readResource(uri, LOCAL_AGENT));
    if (read === undefined) throw unknownResource(uri);
    return { contents: [{ ...read }] };
  });
}

function answerPrompts(server: Server, load: LoadHandlers): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const rendered = orThrow(CODES.invalidParams, await (await load()).renderPrompt(params.name, params.arguments));
    if (rendered === undefined) throw unknownPrompt(PROMPTS.map(({ name }) => name));
    return { ...rendered, messages: [...rendered.messages] };
  });
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }) => {
    const of = ref.type === 'ref/prompt' ? { prompt: ref.name } : ('resource' as const);
    const values = await (await load()).complete(of, argument.name, argument.value, LOCAL_AGENT);
    return { completion: { values: [...values], hasMore: false } };
  });
}
