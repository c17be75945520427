/** Runs one tool call: reads the arguments, validates them, runs the tool, and turns every problem into a result. */
import { type Log, stackOf } from '../log.ts';
import { Problem } from '../problems.ts';
import { inputFaults } from '../report/invalid-input.ts';
import { correctNames } from './argument-names.ts';
import { readArguments } from './arguments.ts';
import type { CallLimiter } from './call-limiter.ts';
import { problemFor, problemResult } from './results.ts';
import type { Tool, ToolCall, ToolResult } from './tool.ts';
import { TaskProblem, type ToolService } from './tool-service.ts';

/** Text values longer than this are cut where a call is shown; a prompt has at most 800. */
const MAX_SHOWN_CHARACTERS = 800;

export interface CallSurroundings {
  readonly service: ToolService;
  readonly limiter: CallLimiter;
  readonly log: Log;
  /** Resolves when the client has read enough of earlier answers for another one. */
  readonly writable: () => Promise<void>;
}

/** Never throws: the message of a thrown error would reach the model word for word. */
export async function callTool(
  tool: Tool,
  given: unknown,
  call: ToolCall,
  { service, limiter, writable, ...surroundings }: CallSurroundings,
): Promise<ToolResult> {
  const log = call.log ?? surroundings.log;
  log.info('call', { tool: tool.name });
  try {
    const input = parseArguments(tool, given);
    const work = async (onWaiting: () => void) => {
      await writable();
      const progress: ToolCall['progress'] = (news) => {
        onWaiting();
        call.progress(news);
      };
      return await tool.run(input, service, { ...call, progress });
    };
    return await limiter.run(call.signal, work, call.remote?.person);
  } catch (error) {
    const about = { phrasing: service.phrasing, sandbox: service.isSandbox };
    const { problem, taskId } = error instanceof TaskProblem ? error : { problem: error, taskId: undefined };
    if (problem instanceof Problem) {
      return problemResult(tool, problemFor(call.remote, problem, log), { ...about, taskId });
    }
    if (!call.signal.aborted) log.error('call failed', { tool: tool.name, reason: stackOf(error) });
    return problemResult(tool, new Problem('internal_error'), about);
  }
}

/**
 * @returns what the tool's schema makes of the arguments
 * @throws Problem invalid_input with every fault, and with the right call where that is certain
 */
export function parseArguments(tool: Pick<Tool, 'name' | 'input'>, given: unknown): unknown {
  const read = readArguments(given, tool.input.shape);
  if (read === undefined) throw invalid(['The arguments must be an object.']);
  const names = correctNames(read.unknown, read.values, Object.keys(tool.input.shape));
  // With a name corrected, what it stood for is not missing as well.
  const corrected = readArguments(names.values ?? read.values, tool.input.shape)?.values;
  const parsed = tool.input.safeParse(corrected, { reportInput: true });
  if (parsed.success && read.unknown.length === 0) return parsed.data;
  const faults = [...names.sentences, ...(parsed.success ? [] : inputFaults(parsed.error))];
  if (!parsed.success || names.values === undefined) throw invalid(faults);
  throw invalid([...faults, `The right call: ${names.tool ?? tool.name} with ${shownArguments(corrected)}.`]);
}

function invalid(faults: readonly string[]): Problem {
  return new Problem('invalid_input', { what: faults.join(' '), hint: 'correct the input' });
}

function shownArguments(values: unknown): string {
  const shortened = (_name: string, value: unknown) =>
    typeof value === 'string' && value.length > MAX_SHOWN_CHARACTERS ? `${value.slice(0, 40)}…` : value;
  return JSON.stringify(values, shortened);
}
