/** What a call may ask its client for, where the client has declared it: a person's yes or no, and its folders. */
import { fileURLToPath } from 'node:url';
import type { Answer, ToolCall } from './tool.ts';

/** As the client declares them in initialize. */
export interface ClientCapabilities {
  readonly elicitation?: { readonly form?: object | undefined; readonly url?: object | undefined } | undefined;
  readonly roots?: object | undefined;
}

/** Sends a request to the client. @returns its result, unchecked. @throws where the client fails or the time is over */
export type AskClient = (
  request: { readonly method: string; readonly params: Readonly<Record<string, unknown>> },
  options: { readonly signal: AbortSignal; readonly timeoutMilliseconds: number },
) => Promise<unknown>;

/** A person may take as long as any call may wait; the caller's signal ends it earlier. */
const PERSON_MILLISECONDS = 1_800_000;
const ROOTS_MILLISECONDS = 5_000;

export function clientRequests(
  { elicitation, roots }: ClientCapabilities,
  ask: AskClient,
  signal: AbortSignal,
): Pick<ToolCall, 'elicit' | 'roots'> {
  // An empty capability means forms (MCP 2025-11-25); one with only `url` cannot show a question.
  const asksPeople = elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
  return {
    ...(asksPeople
      ? { elicit: (question: string, until: AbortSignal) => elicit(question, ask, AbortSignal.any([signal, until])) }
      : {}),
    ...(roots === undefined ? {} : { roots: () => rootFolders(ask, signal) }),
  };
}

async function elicit(question: string, ask: AskClient, signal: AbortSignal): Promise<Answer> {
  const requestedSchema = {
    type: 'object',
    properties: { confirm: { type: 'boolean', title: 'Yes / 是', description: question } },
    required: ['confirm'],
  };
  try {
    signal.throwIfAborted();
    const request = { method: 'elicitation/create', params: { message: question, requestedSchema } };
    const reply = (await ask(request, { signal, timeoutMilliseconds: PERSON_MILLISECONDS })) as {
      readonly action?: unknown;
      readonly content?: { readonly confirm?: unknown };
    };
    // Only an explicit yes is one: a form that was sent off empty is not.
    return reply?.action === 'accept' && reply.content?.confirm === true ? 'yes' : 'no';
  } catch {
    return 'no_answer';
  }
}

/** @returns absolute paths; none where the client fails: its folders only allow more places */
async function rootFolders(ask: AskClient, signal: AbortSignal): Promise<string[]> {
  try {
    const reply = (await ask(
      { method: 'roots/list', params: {} },
      { signal, timeoutMilliseconds: ROOTS_MILLISECONDS },
    )) as { readonly roots?: readonly { readonly uri?: unknown }[] };
    return (reply?.roots ?? []).flatMap(({ uri }) => folderOf(uri));
  } catch {
    return [];
  }
}

function folderOf(uri: unknown): string[] {
  try {
    return typeof uri === 'string' && uri.startsWith('file:') ? [fileURLToPath(uri)] : [];
  } catch {
    return [];
  }
}
