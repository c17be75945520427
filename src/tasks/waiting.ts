/** Gives this process's waiting requests their pictures as soon as the videos that they are made from are saved. */
import { Problem } from '../problems.ts';
import { pause } from '../system/wait.ts';
import type { ServiceParts } from './parts.ts';
import type { Preparer } from './prepare.ts';
import { errorOf, recordOf, type Task, type TaskRecord, videoStateOf } from './record.ts';
import type { Submitter } from './submitter.ts';

/** News of other processes may be missed: the tasks are looked at again so often. */
const LOOK_MILLISECONDS = 1_000;

export interface WaitingOptions extends Pick<ServiceParts, 'store' | 'clock' | 'log' | 'ending'> {
  readonly preparer: Preparer;
  readonly submitter: Submitter;
}

/** Runs while an entry of this process waits. What is ready is sent by the submitter, when it is its turn. */
export class WaitingRequests {
  private readonly options: WaitingOptions;
  private loop: Promise<void> | undefined;
  private isWanted = false;

  constructor(options: WaitingOptions) {
    this.options = options;
  }

  start(): void {
    this.isWanted = true;
    this.loop ??= this.run().finally(() => {
      this.loop = undefined;
    });
  }

  async ended(): Promise<void> {
    await this.loop;
  }

  private async run(): Promise<void> {
    const { store, clock, log, ending } = this.options;
    while (this.isWanted && !ending.aborted) {
      this.isWanted = false;
      const look = async () => {
        const waiting = await store.awaiting.tasks();
        this.isWanted ||= waiting.length > 0;
        for (const task of waiting) {
          if (!ending.aborted) await this.examine(task).catch((error: unknown) => this.failed(task, error));
        }
      };
      await look().catch((error: unknown) => {
        this.isWanted = true;
        if (!ending.aborted) log.warn('waiting requests not examined', { reason: String(error) });
      });
      if (this.isWanted) {
        await pause(clock, { atMost: LOOK_MILLISECONDS, signals: [ending], until: (over) => store.changed(over) });
      }
    }
  }

  /** The disk may fail for a while; the others go on. */
  private failed({ id }: Task, error: unknown): void {
    const { log, ending } = this.options;
    if (!ending.aborted) log.warn('picture of a waiting request not made', { task: id, reason: String(error) });
  }

  private async examine(task: Task): Promise<void> {
    const { store } = this.options;
    const previous = await Promise.all((task.awaits ?? []).map(({ taskId }) => store.find(taskId)));
    const states = previous.map(videoStateOf);
    if (states.includes('lost')) {
      // A shot of a film waits for another take of the one before it.
      if (task.filmId === undefined) await this.end(task, previousFailed(task, previous[states.indexOf('lost')]));
    } else if (states.every((state) => state === 'saved')) await this.fill(task);
  }

  private async fill(task: Task): Promise<void> {
    const { store, preparer, submitter, log, ending } = this.options;
    const template = await store.body(task.id);
    if (template === undefined)
      return await this.end(task, new Problem('state_not_writable', { what: 'The recorded request is gone.' }));
    try {
      const { body, fingerprint } = await preparer.fill(task, template, ending);
      const filled = await store.awaiting.change(task.id, (now) => {
        // Another take of the shot before it may have been ordered meanwhile.
        if (JSON.stringify(now.awaits) !== JSON.stringify(task.awaits)) return undefined;
        const { awaits: _, ...record } = recordOf(now);
        return { record: { ...record, fingerprint }, body };
      });
      if (filled === undefined) return;
      log.info('request has its picture', { task: task.id });
      submitter.pump(task.reqKey);
    } catch (error) {
      if (ending.aborted || !(error instanceof Problem)) throw error;
      await this.end(task, error);
    }
  }

  /** Nothing was sent, so nothing was charged. */
  private async end(task: Task, problem: Problem): Promise<void> {
    await this.options.store.awaiting.change(task.id, (now, at) => ({
      record: { ...recordOf(now), status: 'failed', finishedAt: at, error: errorOf(problem) } satisfies TaskRecord,
    }));
  }
}

function previousFailed({ awaits }: Task, previous: Task | undefined): Problem {
  const id = previous?.id ?? awaits?.[0]?.taskId ?? '';
  const state =
    previous === undefined ? 'is no longer recorded' : `has no saved video (its status is ${previous.status})`;
  return new Problem('previous_failed', { what: `The task ${id}, whose video was to give the picture, ${state}.` });
}
