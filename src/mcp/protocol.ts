/** What both transports answer alike: refusals, lists, resources, prompts, and results as messages. It knows no SDK. */
import type { z } from 'zod';
import type { Caller } from '../library/library.ts';
import { wrongField } from '../transports/malformed-message.ts';
import { NAME, VERSION } from '../version.ts';
import type { Handlers, Refused } from './handlers.ts';
import { INSTRUCTIONS, PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOL_LIST } from './listing.ts';
import type { ToolCall, ToolResult } from './tool.ts';

export const SERVER_INFO = { name: NAME, title: 'Jimeng Video', version: VERSION };
export const SERVER_OPTIONS = {
  capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
  instructions: INSTRUCTIONS,
};

/** JSON-RPC's and the protocol's error codes. */
export const CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  resourceNotFound: -32002,
} as const;

/** The SDKs send an error's code and message as they are; their own errors put the code into the message, too. */
export class ProtocolError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The schemas of an SDK that a message is checked against before the SDK sees it. */
export interface MessageSchemas {
  readonly request: z.ZodType<{ readonly method: string }>;
  /** The requests that the SDK has a handler for: it would answer a malformed one with -32603 and zod's own text. */
  readonly handled: readonly (z.ZodType & { readonly shape: { readonly method: { readonly value: string } } })[];
  /** Each recognises one kind of message that expects no answer. */
  readonly others: readonly ((message: unknown) => boolean)[];
}

/** @returns a function that says what is wrong with a message; undefined for one that the SDK accepts */
export function refusalBy({ request: requestSchema, handled, others }: MessageSchemas) {
  return (message: unknown): ProtocolError | undefined => {
    const request = requestSchema.safeParse(message, { reportInput: true });
    if (request.success) {
      const schema = handled.find(({ shape }) => shape.method.value === request.data.method);
      const error = schema?.safeParse(message, { reportInput: true }).error;
      return error === undefined ? undefined : new ProtocolError(CODES.invalidParams, wrongField(error));
    }
    const isOther = others.some((isOne) => isOne(message));
    return isOther ? undefined : new ProtocolError(CODES.invalidRequest, wrongField(request.error));
  };
}

/** @throws ProtocolError for anything but the name of a tool */
export function toolNamed(name: unknown): string {
  const names = TOOL_LIST.map((tool) => tool.name);
  if (typeof name === 'string' && names.includes(name)) return name;
  const what =
    typeof name === 'string' ? `Unknown tool ${JSON.stringify(name.slice(0, 80))}` : 'A call needs a tool’s name';
  throw new ProtocolError(CODES.invalidParams, `${what}; the tools are ${names.join(', ')}`);
}

/** The result of tools/call. */
export function callResult(result: ToolResult) {
  return {
    content: [{ type: 'text' as const, text: result.text }, ...picturesIn(result)],
    structuredContent: { ...result.structured },
    ...(result.isError ? { isError: true } : {}),
  };
}

function picturesIn({ jpeg }: ToolResult) {
  if (jpeg === undefined) return [];
  return [{ type: 'image' as const, data: Buffer.from(jpeg).toString('base64'), mimeType: 'image/jpeg' }];
}

/** @param token of the caller's request; undefined: it wants no progress */
export function progressTo(
  token: string | number | undefined,
  // No interface: the SDKs take a notification with any fields.
  notify: (notification: { method: 'notifications/progress'; params: Record<string, unknown> }) => Promise<void>,
): ToolCall['progress'] {
  if (token === undefined) return () => undefined;
  return (progress) => {
    notify({ method: 'notifications/progress', params: { ...progress, progressToken: token } }).catch(() => undefined);
  };
}

type WithParams<Params> = { readonly params: Readonly<Params> };
type Reference = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };

/**
 * The answers to everything but tool calls, as both SDKs take them.
 * @param load loads what calls need: the lists are answered without it
 */
export function answersFor(caller: Caller, load: () => Promise<Handlers>) {
  return {
    resources: () => ({ resources: [...RESOURCES] }),
    resourceTemplates: () => ({ resourceTemplates: [...RESOURCE_TEMPLATES] }),
    async resource({ params: { uri } }: WithParams<{ uri: string }>) {
      const read = orThrow(CODES.internalError, await (await load()).readResource(uri, caller));
      if (read !== undefined) return { contents: [{ ...read }] };
      const what = `No resource ${JSON.stringify(uri.slice(0, 80))}; there are jimeng://modes and jimeng://tasks/{task_id}`;
      throw new ProtocolError(CODES.resourceNotFound, what);
    },
    prompts: () => ({ prompts: PROMPTS.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })) }),
    async prompt({ params }: WithParams<{ name: string; arguments?: Record<string, string> | undefined }>) {
      const handlers = await load();
      const rendered = orThrow(CODES.invalidParams, await handlers.renderPrompt(params.name, params.arguments));
      if (rendered !== undefined) return { ...rendered, messages: [...rendered.messages] };
      const names = PROMPTS.map(({ name }) => name).join(', ');
      throw new ProtocolError(CODES.invalidParams, `Unknown prompt; the prompts are ${names}`);
    },
    async completion({ params }: WithParams<{ ref: Reference; argument: { name: string; value: string } }>) {
      const { ref, argument } = params;
      const of = ref.type === 'ref/prompt' ? { prompt: ref.name } : ('resource' as const);
      const values = await (await load()).complete(of, argument.name, argument.value, caller);
      return { completion: { values: [...values], hasMore: false } };
    },
  };
}

/** @throws ProtocolError where the handlers refuse */
function orThrow<Value extends object>(code: number, result: Value | Refused | undefined): Value | undefined {
  if (result !== undefined && 'refusal' in result) throw new ProtocolError(code, result.refusal);
  return result as Value | undefined;
}
