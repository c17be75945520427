/** Submit and query: limits, acceptance, and a task's status, which follows from its id and the time. */
import { modeRow } from '../jimeng/modes.ts';
import { type Answer, businessAnswer, invalidField, successAnswer } from './answers.ts';
import {
  aigcMetaOrRefusal,
  type Body,
  type CheckedSubmit,
  checkSubmit,
  FieldRefusal,
  modeOrRefusal,
} from './check-body.ts';
import { makeTaskId, readTaskId, type SandboxTask, type VideoLink } from './identifiers.ts';

export interface ServiceRules {
  /** Keys the task ids. */
  readonly secret: string;
  readonly generationSeconds: number;
  readonly tasksInFlight: number;
  readonly requestsPerSecond: number;
  readonly taskLifeSeconds: number;
  /** @returns a link that is valid from now */
  readonly mintLink: (link: VideoLink) => string;
}

export interface CheckedQuery extends VideoLink {
  readonly reqKey: string;
}

/** The share of the generation time that a task waits in the queue. */
const QUEUE_SHARE = 0.2;

export class Service {
  private readonly rules: ServiceRules;
  private readonly now: () => number;
  /** Ends of running tasks by req_key; a restart forgets only these. */
  private readonly running = new Map<string, number[]>();
  private arrivals: number[] = [];
  private lastAcceptedAt = 0;

  constructor(rules: ServiceRules, now: () => number) {
    this.rules = rules;
    this.now = now;
  }

  /** @returns 50429 when the requests of this second are used up */
  limitRequests(): Answer | undefined {
    const now = this.now();
    this.arrivals = this.arrivals.filter((arrival) => arrival > now - 1000 && arrival <= now);
    if (this.arrivals.length >= this.rules.requestsPerSecond) return businessAnswer(50429, { now });
    this.arrivals.push(now);
    return undefined;
  }

  /** Accepts nothing yet. @returns the refusal, or the checked request */
  checkSubmit(body: Body): CheckedSubmit | Answer {
    const checked = checkSubmit(body);
    return checked instanceof FieldRefusal ? this.refuse(checked) : checked;
  }

  /** Accepts the task, or answers 50430 where the capability's slots are full. */
  accept(submit: CheckedSubmit): Answer {
    const now = this.now();
    const running = (this.running.get(submit.reqKey) ?? []).filter((end) => end > now);
    this.running.set(submit.reqKey, running);
    if (running.length >= this.rules.tasksInFlight) return businessAnswer(50430, { now });
    // Two tasks of one millisecond would share an id.
    const acceptedAt = Math.max(Math.floor(now), this.lastAcceptedAt + 1);
    this.lastAcceptedAt = acceptedAt;
    if (!submit.unreachableImage) running.push(acceptedAt + this.rules.generationSeconds * 1000);
    const taskId = makeTaskId({ ...submit, acceptedAt }, this.rules.secret);
    return { ...successAnswer({ task_id: taskId }, now), acceptedTaskId: taskId };
  }

  checkQuery(body: Body): CheckedQuery | Answer {
    const mode = modeOrRefusal(body);
    if (mode instanceof FieldRefusal) return this.refuse(mode);
    const { req_key: _, task_id: taskId, req_json: requestJson, ...unknown } = body;
    const [field] = Object.keys(unknown);
    if (field !== undefined) return this.refuse(new FieldRefusal(field, 'not a field of a query'));
    if (typeof taskId !== 'string' || taskId === '') return this.refuse(new FieldRefusal('task_id', 'not a string'));
    const aigcMeta = aigcMetaOrRefusal(requestJson);
    if (aigcMeta instanceof FieldRefusal) return this.refuse(aigcMeta);
    return { reqKey: modeRow(mode).reqKey, taskId, aigcMeta };
  }

  query({ reqKey, taskId, aigcMeta }: CheckedQuery): Answer {
    const now = this.now();
    const task = this.taskOf(taskId);
    const state = (status: string, link = '') =>
      successAnswer({ aigc_meta_tagged: aigcMeta !== undefined && link !== '', status, video_url: link }, now);
    if (!task || now - task.acceptedAt > this.rules.taskLifeSeconds * 1000) return state('not_found');
    if (modeRow(task.mode).reqKey !== reqKey) {
      return businessAnswer(50215, { now, reason: `the task was submitted with ${modeRow(task.mode).reqKey}` });
    }
    if (task.unreachableImage) return businessAnswer(50215, { now, reason: 'the image URL cannot be reached' });
    const { generationSeconds } = this.rules;
    const ageSeconds = (now - task.acceptedAt) / 1000;
    if (ageSeconds >= generationSeconds) return state('done', this.rules.mintLink({ taskId, aigcMeta }));
    return state(ageSeconds < generationSeconds * QUEUE_SHARE ? 'in_queue' : 'generating');
  }

  /** @returns undefined for an id that these keys did not issue */
  taskOf(taskId: string): SandboxTask | undefined {
    return readTaskId(taskId, this.rules.secret, this.now());
  }

  private refuse({ field, reason }: FieldRefusal): Answer {
    return invalidField(field, reason, this.now());
  }
}
