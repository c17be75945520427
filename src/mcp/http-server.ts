/** Serves the tools over Streamable HTTP with the MCP SDK, stateless, in both protocol revisions; knows the SDK, as stdio-server.ts does. */
import './zod-settings.ts';
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  CompleteRequestSchema,
  GetPromptRequestSchema,
  InitializeRequestSchema,
  JSONRPCRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/core';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  CLIENT_CAPABILITIES_META_KEY,
  createMcpHandler,
  createRequestStateCodec,
  inputRequired,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCResultResponse,
  isLegacyRequest,
  Server,
  type ServerContext,
  type Tool,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { RemoteCaller } from '../library/library.ts';
import type { Log } from '../log.ts';
import { excessOf, idToAnswer, withoutNulls } from '../transports/malformed-message.ts';
import { type AskClient, type ClientCapabilities, clientRequests } from './client-requests.ts';
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
import type { ToolCall, ToolResult } from './tool.ts';

/** Comments on a stream while a video is waited for: proxies close a connection that is silent for a minute. */
const KEEP_ALIVE_MILLISECONDS = 15_000;

/** How long a person may take to answer whether to pay. */
const CONFIRM_SECONDS = 600;
const CONFIRM = 'confirm';

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

/** One POST to the endpoint, whose sender is known. */
export interface HttpCall {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly caller: RemoteCaller;
  /** On the monotonic clock. */
  readonly arrivedAt: number;
  readonly log: Log;
  /** Called with each tool call's answer. */
  readonly onAnswer: (tool: string, result: ToolResult) => void;
}

export interface HttpServerOptions {
  readonly handlers: Handlers;
  /** Signs what a client hands back when a person has confirmed a price; the same on all hosts. At least 32 bytes. */
  readonly stateKey: Uint8Array;
}

type Answer = (call: HttpCall, response: ServerResponse) => Promise<void>;

/** @returns answers one request, and resolves when the answer is written or the client is gone */
export function mcpOverHttp(options: HttpServerOptions): Answer {
  return async (call, response) => {
    let message: unknown;
    try {
      message = readMessage(call.body);
    } catch (error) {
      const { code, message: text } = error as ProtocolError;
      return sendError(response, 400, null, code, text);
    }
    const refusal = refusalOf(message) ?? wrongTool(message);
    const id = idToAnswer(message);
    if (refusal !== undefined)
      return sendError(response, id === undefined ? 400 : 200, id ?? null, refusal.code, refusal.message);
    const bodyless = { method: 'POST', url: '/mcp', headers: headersOf(call), async *[Symbol.asyncIterator]() {} };
    const fetch = (request: Request) => new McpExchange(options, call, message).answer(request);
    await toNodeHandler({ fetch }, { onerror: ({ message: reason }) => call.log.error('request failed', { reason }) })(
      bodyless,
      response as Parameters<ReturnType<typeof toNodeHandler>>[1],
    );
  };
}

/** @throws ProtocolError */
function readMessage(body: Buffer): unknown {
  const excess = excessOf(body);
  if (excess !== undefined) throw new ProtocolError(CODES.invalidRequest, `The message has more than ${excess}.`);
  // Otherwise a prompt in another encoding would be paid for with damaged characters.
  if (!isUtf8(body))
    throw new ProtocolError(CODES.parseError, 'The body is not UTF-8: encode it as UTF-8, uncompressed.');
  let read: unknown;
  try {
    read = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    throw new ProtocolError(CODES.parseError, 'The body is not JSON.');
  }
  if (Array.isArray(read)) throw new ProtocolError(CODES.invalidRequest, 'Send one message a request, not a batch.');
  return refusalOf(read) === undefined ? read : withoutNulls(read);
}

export function sendError(
  response: ServerResponse,
  status: number,
  id: string | number | null,
  code: number,
  message: string,
): void {
  const body = JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The SDK would answer a call without a name with zod's text. */
function wrongTool(message: unknown): ProtocolError | undefined {
  const { method, params } = message as { readonly method?: unknown; readonly params?: { readonly name?: unknown } };
  try {
    if (method === 'tools/call') toolNamed(params?.name);
    return undefined;
  } catch (error) {
    return error as ProtocolError;
  }
}

/** The SDK wants both types accepted; what it answers with follows what is really accepted. */
function headersOf({ headers }: HttpCall): Record<string, string | string[] | undefined> {
  const { 'content-length': _length, 'content-encoding': _encoding, 'transfer-encoding': _transfer, ...rest } = headers;
  return { ...rest, accept: 'application/json, text/event-stream' };
}

/** One request, its server object, and its answer: nothing outlives it. */
class McpExchange {
  private readonly options: HttpServerOptions;
  private readonly call: HttpCall;
  /** For the SDK: without a tool's arguments, which it would copy and check field by field. */
  private readonly message: unknown;
  private readonly given: unknown;
  private readonly isStreamed: boolean;
  private isUnknownResource = false;

  constructor(options: HttpServerOptions, call: HttpCall, message: unknown) {
    this.options = options;
    this.call = call;
    const { method, params } = (message ?? {}) as { method?: unknown; params?: Record<string, unknown> };
    const isToolCall = method === 'tools/call' && typeof params === 'object' && params !== null;
    this.given = isToolCall ? params.arguments : undefined;
    this.message = isToolCall ? { ...(message as object), params: { ...params, arguments: {} } } : message;
    this.isStreamed = isToolCall && /text\/event-stream/i.test(String(call.headers.accept ?? ''));
  }

  async answer(request: Request): Promise<Response> {
    if (await isLegacyRequest(request, this.message)) return await this.answerLegacy(request);
    const handler = createMcpHandler(() => this.server(), {
      legacy: 'reject',
      responseMode: this.isStreamed ? 'sse' : 'auto',
      keepAliveMs: KEEP_ALIVE_MILLISECONDS,
      onerror: (error) => this.report(error),
    });
    return await handler.fetch(request, { parsedBody: this.message });
  }

  /** The revisions before 2026-07-28, without a session. */
  private async answerLegacy(request: Request): Promise<Response> {
    const server = this.server();
    const transport = new WebStandardStreamableHTTPServerTransport({
      enableJsonResponse: !this.isStreamed,
      keepAliveMs: KEEP_ALIVE_MILLISECONDS,
    });
    // "Resource not found: -32002" in these revisions; the SDK writes -32602, which only the newest one wants.
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      const isUnknown = this.isUnknownResource && isJSONRPCErrorResponse(message);
      const error = isUnknown ? { error: { ...message.error, code: CODES.resourceNotFound } } : {};
      return send({ ...message, ...error } as typeof message, options);
    };
    await server.connect(transport);
    // A client that goes away ends the waiting.
    request.signal.addEventListener('abort', () => void server.close().catch(() => undefined), { once: true });
    return await transport.handleRequest(request, { parsedBody: this.message });
  }

  private report({ message: reason }: Error): void {
    this.call.log.debug('protocol error', { reason });
  }

  private server(): Server {
    const { handlers } = this.options;
    const { caller } = this.call;
    const server = new Server(SERVER_INFO, SERVER_OPTIONS);
    const answers = answersFor(caller, async () => handlers);
    server.onerror = (error) => this.report(error);
    server.setRequestHandler('tools/list', () => ({ tools: TOOL_LIST as unknown as Tool[] }));
    server.setRequestHandler('tools/call', ({ params }, context) => this.callTool(params.name, context));
    server.setRequestHandler('resources/list', answers.resources);
    server.setRequestHandler('resources/templates/list', answers.resourceTemplates);
    server.setRequestHandler('resources/read', (asked) =>
      answers.resource(asked).catch((error: unknown) => {
        this.isUnknownResource = error instanceof ProtocolError && error.code === CODES.resourceNotFound;
        throw error;
      }),
    );
    server.setRequestHandler('prompts/list', answers.prompts);
    server.setRequestHandler('prompts/get', answers.prompt);
    server.setRequestHandler('completion/complete', answers.completion);
    return server;
  }

  private async callTool(given: unknown, context: ServerContext) {
    const { handlers } = this.options;
    const { caller, arrivedAt, log, onAnswer } = this.call;
    const { signal, envelope } = context.mcpReq;
    const name = toolNamed(given);
    const confirmation = confirmationOf(this.options.stateKey, this.fingerprint(name), caller, context);
    // A client of an earlier revision can be asked nothing without a session.
    const declared = (envelope as Readonly<Record<string, unknown>> | undefined)?.[CLIENT_CAPABILITIES_META_KEY];
    const { elicitation } = (declared ?? {}) as ClientCapabilities;
    const call: ToolCall = {
      ...{ signal, arrivedAt, remote: caller, log },
      progress: progressTo(this.isStreamed ? context.mcpReq._meta?.progressToken : undefined, (notification) =>
        context.mcpReq.notify(notification),
      ),
      ...clientRequests({ elicitation }, confirmation.ask, signal),
    };
    const result = await handlers.call(name, this.given, call, async () => undefined);
    onAnswer(name, result);
    return (await confirmation.question()) ?? callResult(result);
  }

  private fingerprint(tool: string): string {
    return createHash('sha256')
      .update(JSON.stringify([tool, this.given ?? null]))
      .digest('base64url');
  }
}

/** What a confirmation is good for: exactly this call, with exactly this question, which names the price. */
interface Confirmed {
  readonly call: string;
  readonly question: string;
}

/**
 * Asks through a result (2026-07-28): the question goes out instead of an answer, and the client makes the same call again
 * with the person's reply and the signed state.
 */
function confirmationOf(key: Uint8Array, fingerprint: string, { person }: RemoteCaller, context: ServerContext) {
  const codec = createRequestStateCodec<Confirmed>({ key, ttlSeconds: CONFIRM_SECONDS, bind: () => person });
  let asked: { readonly message: string; readonly [field: string]: unknown } | undefined;

  /** @throws where there is no reply to this question yet */
  const ask: AskClient = async ({ params }) => {
    const { inputResponses, requestState } = context.mcpReq;
    const { message } = params as { readonly message: string };
    const state = requestState<string>();
    // An expired or altered state is none: the person is asked again.
    const confirmed = state === undefined ? undefined : await codec.verify(state, context).catch(() => undefined);
    const reply = inputResponses?.[CONFIRM];
    if (confirmed?.call === fingerprint && confirmed.question === message && reply !== undefined) return reply;
    asked = { ...params, message };
    throw new Error('the person is asked first');
  };

  /** @returns the result that asks; undefined where nothing was asked */
  const question = async () => {
    if (asked === undefined) return undefined;
    const requestState = await codec.mint({ call: fingerprint, question: asked.message }, context);
    const elicit = inputRequired.elicit(asked as Parameters<typeof inputRequired.elicit>[0]);
    return inputRequired({ inputRequests: { [CONFIRM]: elicit }, requestState });
  };

  return { ask, question };
}
