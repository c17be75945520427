/** How does what the service returns become a tool's result? */
import { Problem } from '../../problems.ts';
import { renderReport } from '../../report/render.ts';
import { isErrorStatus, type Report, refusal, reportOf, reportSchema } from '../../report/report.ts';
import { toolSurface } from '../../report/surface.ts';
import type { TaskRecord } from '../../tasks/record.ts';
import type { Call, VideoService } from '../../tasks/service.ts';
import type { ToolCall, ToolResult } from '../tool.ts';

/** `wait_seconds` bounds the whole call from its arrival. */
export function callOf(call: ToolCall, waitSeconds: number): Call {
  const { signal, onWait, arrivedAt } = call;
  return { signal, onWait, arrivedAt, deadline: arrivedAt + waitSeconds * 1000, unrestricted: false };
}

/** @param said `joined`: the request was there already; `output`: where this call wants the video */
export async function tellTask(
  service: VideoService,
  record: TaskRecord,
  { joined = false, output }: { readonly joined?: boolean; readonly output?: string | undefined } = {},
): Promise<ToolResult> {
  return tell(
    reportOf(record, {
      surface: toolSurface,
      now: service.context.clock.now(),
      usual: await service.context.pastTimes.usualTime(record.request.mode),
      joined,
      output,
      placeInQueue: await service.placeInQueue(record),
      unwritten: service.context.journal.isUnwritten(record.id),
    }),
  );
}

/** Built through the schema's parse: with one undeclared field a client throws the whole result away. */
export function tell(report: Report): ToolResult {
  const structured = reportSchema.parse(report);
  return { structured, text: renderReport(structured), isError: isErrorStatus(structured.status) };
}

/**
 * A problem becomes a refusal; anything else is a bug, and goes on to be told as one.
 * @param run is given how to say which task the call turns out to be about
 * @param taskId of the task that it is about from the start
 */
export async function tellOrRefuse(
  call: ToolCall,
  run: (service: VideoService, about: (taskId: string) => void) => Promise<ToolResult>,
  taskId?: string,
): Promise<ToolResult> {
  let known = taskId;
  try {
    return await run(
      await call.holder.service(...(taskId === undefined ? (['paid'] as const) : (['query', 'save'] as const))),
      (id) => {
        known = id;
      },
    );
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return tell(refusal(error, toolSurface, call.holder.sandbox, known));
  }
}
