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
import { type AskClient, clientRequests } from './client-requests.ts';
import type { Handlers } from './handlers.ts';
import { TOOL_LIST } from './listing.ts';
import {
  answersFor,
  CODES,
  callResult,
  ProtocolError,
  progressTo,
  refusalBy,
  SERVER_INFO,
  SERVER_OPTIONS,
  toolNamed,
} from './protocol.ts';

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
  others: [isJSONRPCNotification, isJSONRPCResultResponse, isJSONRPCErrorResponse],
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
  const server = new TasklessServer(SERVER_INFO, SERVER_OPTIONS);
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
  const answers = answersFor(LOCAL_AGENT, load);
  server.setRequestHandler(ListResourcesRequestSchema, answers.resources);
  server.setRequestHandler(ListResourceTemplatesRequestSchema, answers.resourceTemplates);
  server.setRequestHandler(ReadResourceRequestSchema, answers.resource);
  server.setRequestHandler(ListPromptsRequestSchema, answers.prompts);
  server.setRequestHandler(GetPromptRequestSchema, answers.prompt);
  server.setRequestHandler(CompleteRequestSchema, answers.completion);
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
      progress: progressTo(params?._meta?.progressToken, extra.sendNotification),
      ...clientRequests(server.getClientCapabilities() ?? {}, askThrough(extra), extra.signal),
    };
    const result = await handlers.call(name, params?.arguments, call, writable);
    return callResult(result);
  };
}

function askThrough({ sendRequest }: Extra): AskClient {
  return async (request, { signal, timeoutMilliseconds }) =>
    await sendRequest(request as ServerRequest, ResultSchema, { signal, timeout: timeoutMilliseconds });
}
