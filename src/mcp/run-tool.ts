/** How does a call become a result, whatever happens? */
import * as z from 'zod';
import type { Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { invalidInput } from '../report/invalid-input.ts';
import { refusal } from '../report/report.ts';
import { toolSurface } from '../report/surface.ts';
import type { Tool, ToolCall, ToolResult } from './tool.ts';
import { tell } from './tools/answer.ts';

/** Never throws: a thrown error's message would reach the model word by word. */
export async function runTool(tool: Tool, input: unknown, call: ToolCall, log: Log): Promise<ToolResult> {
  log.info('call', { tool: tool.name });
  const parsed = tool.input.safeParse(input, { reportInput: true });
  if (!parsed.success) return refuse(tool, invalidInput(parsed.error, inputNames(tool)), call);
  try {
    return await tool.run(parsed.data, call);
  } catch (error) {
    if (error instanceof Problem) return refuse(tool, error, call);
    if (!call.signal.aborted)
      log.error('call failed', { tool: tool.name, reason: error instanceof Error ? error.stack : String(error) });
    const unexpected = new Problem('internal_error');
    return refuse(tool, unexpected, call);
  }
}

function inputNames(tool: Tool): string[] {
  return tool.input instanceof z.ZodObject ? Object.keys(tool.input.shape) : [];
}

/** In the shape of the tool's own output: a client rejects an error whose structured copy does not conform. */
function refuse(tool: Tool, problem: Problem, { holder }: ToolCall): ToolResult {
  const result = tell(refusal(problem, toolSurface, holder.sandbox));
  if (tool.output.safeParse(result.structured).success) return result;
  const message = [result.structured.message, result.structured.next_step].join(' ');
  return { ...result, structured: { message, tasks: [] }, text: message };
}
