/** How do the tools meet an MCP client? The only file that knows the SDK. */

import './zod-settings.ts';
import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
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
} from '@modelcontextprotocol/sdk/types.js';
import { systemClock } from '../clock.ts';
import { NAME, VERSION } from '../version.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { LineTransport } from './line-transport.ts';
import { PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOL_LIST } from './listing.ts';
import { wrongField } from './odd-message.ts';
import { MAX_LINE_BYTES, wholeLines } from './whole-lines.ts';
import type { Refused, Work } from './work.ts';

/** Work that earlier processes left is taken up so long after initialize, if no tool call came before. */
const RESUME_AFTER_MILLISECONDS = 60_000;

/** The protocol's code for a resource that there is not. */
const RESOURCE_NOT_FOUND = -32002;

const TOO_LONG = `The message is longer than ${MAX_LINE_BYTES / 1024 / 1024} MB.`;

/** All that the SDK has a handler for: what these refuse it answers with -32603 and what zod printed. */
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

type GetWork = () => Promise<Work>;

/** @param getWork loads what a call needs: the first answers come before it */
export async function serveStdio(getWork: GetWork, stdin: Readable, stdout: Writable): Promise<void> {
  const server = new TasklessServer(
    { name: NAME, title: 'Jimeng Video', version: VERSION },
    { capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} }, instructions: INSTRUCTIONS },
  );
  /** Where no call waits for it: that the work cannot be loaded is told by the next one. */
  const withWork = (use: (work: Work) => unknown) => void getWork().then(use, () => undefined);
  server.oninitialized = () => {
    const resume = () => withWork((work) => work.resume());
    systemClock.sleep(RESUME_AFTER_MILLISECONDS).then(resume, () => undefined);
  };
  answerTools(server, getWork);
  answerResources(server, getWork);
  answerPrompts(server, getWork);
  server.onerror = ({ message: reason }) => withWork(({ log }) => log.debug('protocol error', { reason }));
  const lines = wholeLines((bytes, id) => {
    withWork(({ log }) => log.warn('a line was too long, and is dropped', { bytes }));
    if (id !== undefined) transport.refuse(id, new ProtocolError(ErrorCode.InvalidRequest, TOO_LONG));
  });
  const transport = new LineTransport<JSONRPCMessage>(stdin.pipe(lines), stdout, refusalOf);
  await server.connect(transport);
}

/** @returns what is wrong with a message; undefined for one that the SDK takes */
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

function answerTools(server: Server, getWork: GetWork): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOL_LIST }));
  // The SDK's own handler of tools/call answers a wrong call with what zod printed; here a model reads what to mend.
  server.fallbackRequestHandler = async ({ method, params }, { signal, sendNotification }) => {
    const arrivedAt = systemClock.monotonic();
    if (method !== 'tools/call') throw new ProtocolError(ErrorCode.MethodNotFound, 'Method not found');
    const name = toolNamed(params?.name);
    const token = params?._meta?.progressToken;
    const result = await (await getWork()).call(name, params?.arguments ?? {}, {
      signal,
      arrivedAt,
      onProgress: (progress) => {
        if (token === undefined) return;
        const notification = {
          method: 'notifications/progress' as const,
          params: { ...progress, progressToken: token },
        };
        sendNotification(notification).catch(() => undefined);
      },
    });
    return {
      content: [{ type: 'text' as const, text: result.text }],
      structuredContent: { ...result.structured },
      ...(result.isError ? { isError: true } : {}),
    };
  };
}

function toolNamed(name: unknown): string {
  const names = TOOL_LIST.map((tool) => tool.name);
  if (typeof name === 'string' && names.includes(name)) return name;
  const what =
    typeof name === 'string' ? `Unknown tool ${JSON.stringify(name.slice(0, 80))}` : 'A call needs a tool’s name';
  throw new ProtocolError(ErrorCode.InvalidParams, `${what}; the tools are ${names.join(', ')}`);
}

function answerResources(server: Server, getWork: GetWork): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [...RESOURCES] }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...RESOURCE_TEMPLATES] }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const read = orThrow(ErrorCode.InternalError, await (await getWork()).readResource(uri));
    if (read === undefined) {
      throw new ProtocolError(
        RESOURCE_NOT_FOUND,
        `No resource ${JSON.stringify(uri.slice(0, 80))}; there are jimeng://modes and jimeng://tasks/{task_id}`,
      );
    }
    return { contents: [{ ...read }] };
  });
}

function answerPrompts(server: Server, getWork: GetWork): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const rendered = orThrow(
      ErrorCode.InvalidParams,
      await (await getWork()).renderPrompt(params.name, params.arguments),
    );
    if (rendered === undefined) {
      const names = PROMPTS.map(({ name }) => name).join(', ');
      throw new ProtocolError(ErrorCode.InvalidParams, `Unknown prompt; the prompts are ${names}`);
    }
    return { ...rendered, messages: [...rendered.messages] };
  });
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }) => {
    const of = ref.type === 'ref/prompt' ? { prompt: ref.name } : ('resource' as const);
    const values = await (await getWork()).complete(of, argument.name, argument.value);
    return { completion: { values: [...values], hasMore: false } };
  });
}

function orThrow<Value extends object>(code: number, result: Value | Refused | undefined): Value | undefined {
  if (result !== undefined && 'refusal' in result) throw new ProtocolError(code, result.refusal);
  return result as Value | undefined;
}
