/** What both transports answer alike: refusals, tool names, and results as messages. It knows no SDK. */
import type { z } from 'zod';
import { wrongField } from '../transports/malformed-message.ts';
import type { Refused } from './handlers.ts';
import { TOOL_LIST } from './listing.ts';
import type { ToolResult } from './tool.ts';

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
  /** Is it one of the protocol's messages that expect no answer? */
  isOther(message: unknown): boolean;
}

/** @returns a function that says what is wrong with a message; undefined for one that the SDK accepts */
export function refusalBy({ request: requestSchema, handled, isOther }: MessageSchemas) {
  return (message: unknown): ProtocolError | undefined => {
    const request = requestSchema.safeParse(message, { reportInput: true });
    if (request.success) {
      const schema = handled.find(({ shape }) => shape.method.value === request.data.method);
      const error = schema?.safeParse(message, { reportInput: true }).error;
      return error === undefined ? undefined : new ProtocolError(CODES.invalidParams, wrongField(error));
    }
    return isOther(message) ? undefined : new ProtocolError(CODES.invalidRequest, wrongField(request.error));
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

export function unknownResource(uri: string): ProtocolError {
  const shown = JSON.stringify(uri.slice(0, 80));
  const what = `No resource ${shown}; there are jimeng://modes and jimeng://tasks/{task_id}`;
  return new ProtocolError(CODES.resourceNotFound, what);
}

export function unknownPrompt(names: readonly string[]): ProtocolError {
  return new ProtocolError(CODES.invalidParams, `Unknown prompt; the prompts are ${names.join(', ')}`);
}

/** @throws ProtocolError where the handlers refuse */
export function orThrow<Value extends object>(code: number, result: Value | Refused | undefined): Value | undefined {
  if (result !== undefined && 'refusal' in result) throw new ProtocolError(code, result.refusal);
  return result as Value | undefined;
}
