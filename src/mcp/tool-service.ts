/** What the tools need of the product, as plain functions of plain values: the only file of mcp/ that calls the task service. */
import type { ModeName } from '../jimeng/modes.ts';
import type { ServiceHolder } from '../open-service.ts';
import { Problem } from '../problems.ts';
import { checkedReport, type ListReport, listReport, type Report, reportOf } from '../report/report.ts';
import { toolSurface } from '../report/surface.ts';
import type { TaskRecord, TaskStatus } from '../tasks/record.ts';
import type { Call, VideoService } from '../tasks/service.ts';
import type { VideoRequest } from '../tasks/video-request.ts';
import { createProgress } from './progress.ts';
import type { ToolCall } from './tool.ts';

export interface PaidOptions {
  readonly output: string | undefined;
  readonly allowDuplicate: boolean;
}

export interface GetOptions {
  /** Undefined: the newest task. */
  readonly taskId: string | undefined;
  /** Of a task of the provider that has no record here. */
  readonly mode: ModeName | undefined;
  readonly output: string | undefined;
  readonly waitSeconds: number | undefined;
}

export interface ListOptions {
  readonly limit: number;
  readonly status: TaskStatus | undefined;
  readonly waitSeconds: number;
  readonly waitFor: 'any_finished' | 'all_finished';
}

/** A problem of a call that is about one task, which may have been paid for. */
export class TaskProblem extends Error {
  readonly problem: Problem;
  readonly taskId: string;

  constructor(problem: Problem, taskId: string) {
    super(problem.message, { cause: problem });
    this.problem = problem;
    this.taskId = taskId;
  }
}

async function aboutTask<Value>(taskId: string, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof Problem ? new TaskProblem(error, taskId) : error;
  }
}

export class ToolService {
  private readonly holder: ServiceHolder;

  constructor(holder: ServiceHolder) {
    this.holder = holder;
  }

  get isSandbox(): boolean {
    return this.holder.sandbox;
  }

  /** Checks everything; nothing is recorded or sent. */
  async check(request: VideoRequest, options: PaidOptions, call: ToolCall): Promise<Report> {
    const service = await this.holder.service();
    const { prepared, same } = await service.check(request, options, this.waiting(service, call, undefined));
    return checkedReport(prepared, same, toolSurface, this.isSandbox);
  }

  /**
   * Records and sends the request, or joins the same one.
   * @param until what to wait for, at most `waitSeconds` from the call's arrival
   */
  async make(
    request: VideoRequest,
    options: PaidOptions,
    until: 'accepted' | 'finished',
    waitSeconds: number | undefined,
    call: ToolCall,
  ): Promise<Report> {
    const service = await this.holder.service();
    const waiting = this.waiting(service, call, waitSeconds);
    const { record, joined } = await service.make(request, options, waiting);
    return await aboutTask(record.id, async () => {
      const waited = await (until === 'accepted'
        ? service.waitUntilTaken(record, waiting)
        : service.waitUntilOver(record, waiting));
      if (!joined) return await this.report(service, waited);
      const { output } = options;
      // The first call's file may be in another place than this call wants, or be gone.
      const placed = waited.status === 'done' ? await service.get(waited.id, undefined, output, waiting) : waited;
      return await this.report(service, placed, { joined, output });
    });
  }

  async get({ taskId, mode, output, waitSeconds }: GetOptions, call: ToolCall): Promise<Report> {
    const service = await this.holder.service();
    const id = taskId ?? (await this.newestId(service));
    return await aboutTask(id, async () => {
      const record = await service.get(id, mode, output, this.waiting(service, call, waitSeconds));
      return await this.report(service, record, { output });
    });
  }

  async cancel(taskId: string): Promise<Report> {
    return await aboutTask(taskId, async () => {
      const service = await this.holder.service();
      const { record, withdrawn } = await service.cancel(taskId);
      const report = await this.report(service, record);
      if (withdrawn || record.status === 'cancelled') return report;
      return {
        ...report,
        message: `It is no longer queued, so it cannot be withdrawn. ${report.message}`,
        next_step: report.next_step ?? toolSurface.list(),
      };
    });
  }

  /** Waits as asked, then lists. */
  async list({ limit, status, waitSeconds, waitFor }: ListOptions, call: ToolCall): Promise<ListReport> {
    const service = await this.holder.service();
    if (waitSeconds > 0) await this.waitForOpen(service, waitFor, this.waiting(service, call, waitSeconds));
    const listed = await service.list(limit, status);
    return listReport(listed, toolSurface, service.context.clock.now(), this.isSandbox);
  }

  /** Reads the record and asks nobody. @returns undefined where there is none */
  async read(taskId: string): Promise<Report | undefined> {
    const service = await this.holder.service();
    const { journal } = service.context;
    const record = (await journal.read(taskId)) ?? (await journal.findByProviderId(taskId));
    return record === undefined ? undefined : await this.report(service, record);
  }

  /** Our ids, in no order. */
  async taskIds(): Promise<string[]> {
    const { journal } = (await this.holder.service()).context;
    const closed = await journal.closedEntries();
    return [...(await journal.openIds()), ...closed.map(({ id }) => id)];
  }

  private async newestId(service: VideoService): Promise<string> {
    const { records } = await service.list(1, undefined);
    if (records[0] !== undefined) return records[0].id;
    throw new Problem('no_record', {
      what: 'There is no task yet.',
      hint: 'make a video with generate_video, or give the task id of the provider and its mode',
    });
  }

  private async waitForOpen(service: VideoService, waitFor: ListOptions['waitFor'], waiting: Call): Promise<void> {
    const before = await service.openIds();
    for (let open = before; open.length > 0; open = await service.openIds()) {
      if (waitFor === 'any_finished' && before.some((id) => !open.includes(id))) return;
      if (waiting.signal.aborted || service.context.clock.monotonic() >= waiting.deadline) return;
      await service.waitForAnyChange(waiting);
    }
  }

  private waiting(service: VideoService, call: ToolCall, waitSeconds: number | undefined): Call {
    const { signal, arrivedAt, progress } = call;
    const seconds = waitSeconds ?? this.holder.settings.waitSeconds;
    const onWait = createProgress(service.context.clock, progress);
    return { signal, onWait, arrivedAt, deadline: arrivedAt + seconds * 1000, unrestricted: false };
  }

  private async report(
    service: VideoService,
    record: TaskRecord,
    { joined = false, output }: { readonly joined?: boolean; readonly output?: string | undefined } = {},
  ): Promise<Report> {
    const { clock, pastTimes, journal } = service.context;
    return reportOf(record, {
      surface: toolSurface,
      now: clock.now(),
      usual: await pastTimes.usualTime(record.request.mode),
      joined,
      output,
      placeInQueue: await service.placeInQueue(record),
      unwritten: journal.isUnwritten(record.id),
    });
  }
}
