/** A model that knows nothing but what the server tells it: it makes the call that a next step names. */
import type { Reported } from './mcp-client.ts';

export interface NamedCall {
  readonly tool: string;
  readonly given: Readonly<Record<string, unknown>>;
}

/** The calls that a sentence names, in their order: "Call get_video_task with {…}". */
export function callsIn(sentence: string): NamedCall[] {
  const calls: NamedCall[] = [];
  for (const match of sentence.matchAll(/\b([a-z]+_(?:videos?|film|shot)(?:_tasks?)?) with (?=\{)/g)) {
    const from = match.index + match[0].length;
    const given = objectAt(sentence, from);
    if (given !== undefined) calls.push({ tool: match[1] ?? '', given });
  }
  return calls;
}

/** The shortest JSON object that begins there. */
function objectAt(text: string, from: number): Record<string, unknown> | undefined {
  for (let end = text.indexOf('}', from); end !== -1; end = text.indexOf('}', end + 1)) {
    try {
      return JSON.parse(text.slice(from, end + 1));
    } catch {
      // A brace inside a text: a longer part is tried.
    }
  }
  return undefined;
}

export interface Turn {
  readonly call: NamedCall;
  readonly answer: Reported;
}

/**
 * Does what each answer says, until nothing names a call any more.
 * @throws Error after so many calls: the chain does not end
 */
export async function followSteps(
  make: (call: NamedCall) => Promise<Reported>,
  first: Reported,
  most: number,
): Promise<readonly Turn[]> {
  const turns: Turn[] = [];
  let answer = first;
  for (;;) {
    const [call] = callsIn(answer.structured.next_step);
    if (call === undefined) return turns;
    if (turns.length === most) throw new Error(`${most} calls, and still: ${answer.structured.next_step}`);
    answer = await make(call);
    turns.push({ call, answer });
  }
}
