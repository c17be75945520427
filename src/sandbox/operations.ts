/** What does the provider answer to a submit, and to a query? The states of a task follow from its id and the time. */
import { modeRow } from '../jimeng/modes.ts';
import { type Answer, businessAnswer, invalidField, successAnswer } from './answers.ts';
import {
  type Body,
  type CheckedSubmit,
  checkRequestJson,
  checkSubmit,
  FieldRefusal,
  modeOrRefusal,
} from './check-body.ts';
import { makeTaskId, readTaskId, type SandboxTask } from './task-id.ts';

export interface OperationRules {
  /** Keys the task ids. */
  readonly secret: string;
  readonly generationSeconds: number;
  readonly tasksInFlight: number;
  readonly requestsPerSecond: number;
  readonly taskLifeSeconds: number;
  readonly closedCapabilities: readonly string[];
  readonly unknownFields: 'refused' | 'flagged';
  readonly unknownTask: 'not_found' | '50215';
  /** @returns a link that is valid from now */
  readonly mintLink: (taskId: string) => string;
}

export interface CheckedQuery {
  readonly reqKey: string;
  readonly taskId: string;
  readonly metaTagged: boolean;
}

/** How much of the generation time a task stands in the queue. */
const QUEUE_SHARE = 0.2;

export class Operations {
  readonly #rules: OperationRules;
  readonly #now: () => number;
  /** Ends of running tasks by req_key; the only thing that a restart forgets. */
  #running = new Map<string, number[]>();
  #arrivals: number[] = [];
  #lastAcceptedAt = 0;

  constructor(rules: OperationRules, now: () => number) {
    this.#rules = rules;
    this.#now = now;
  }

  /** @returns 50429 when this second's requests are used up */
  limitRequests(): Answer | undefined {
    const now = this.#now();
    this.#arrivals = this.#arrivals.filter((arrival) => arrival > now - 1000 && arrival <= now);
    if (this.#arrivals.length >= this.#rules.requestsPerSecond) return businessAnswer(50429, { now });
    this.#arrivals.push(now);
    return undefined;
  }

  /** @returns the answer that refuses it, or what it asks for; nothing is accepted yet */
  checkSubmit(body: Body): CheckedSubmit | Answer {
    const closed = this.#refuseClosed(body);
    if (closed) return closed;
    const checked = checkSubmit(body, this.#rules.unknownFields);
    return checked instanceof FieldRefusal ? this.#refuseField(checked) : checked;
  }

  /** Takes the task, unless the capability's slots are full: then 50430. */
  accept(submit: CheckedSubmit): { readonly answer: Answer; readonly taskId?: string } {
    const now = this.#now();
    const running = (this.#running.get(submit.reqKey) ?? []).filter((end) => end > now);
    this.#running.set(submit.reqKey, running);
    if (running.length >= this.#rules.tasksInFlight) return { answer: businessAnswer(50430, { now }) };
    // Two tasks of one millisecond would share an id.
    const acceptedAt = Math.max(Math.floor(now), this.#lastAcceptedAt + 1);
    this.#lastAcceptedAt = acceptedAt;
    if (!submit.unreachableImage) running.push(acceptedAt + this.#rules.generationSeconds * 1000);
    const taskId = makeTaskId({ ...submit, acceptedAt }, this.#rules.secret);
    return { answer: successAnswer({ task_id: taskId }, now), taskId };
  }

  checkQuery(body: Body): CheckedQuery | Answer {
    const closed = this.#refuseClosed(body);
    if (closed) return closed;
    const { req_key: reqKey, task_id: taskId, req_json: requestJson, ...unknown } = body;
    const [field] = Object.keys(unknown);
    if (field !== undefined && this.#rules.unknownFields === 'refused') {
      return this.#refuseField(new FieldRefusal(field, 'not a field of a query'));
    }
    if (typeof taskId !== 'string' || taskId === '') {
      return this.#refuseField(new FieldRefusal('task_id', 'not a string'));
    }
    const wrong = checkRequestJson(requestJson);
    if (wrong) return this.#refuseField(wrong);
    return { reqKey: reqKey as string, taskId, metaTagged: requestJson !== undefined };
  }

  query({ reqKey, taskId, metaTagged }: CheckedQuery): Answer {
    const now = this.#now();
    const task = readTaskId(taskId, this.#rules.secret, now);
    const state = (status: string, link = '') =>
      successAnswer({ aigc_meta_tagged: metaTagged && link !== '', status, video_url: link }, now);
    if (!task || now - task.acceptedAt > this.#rules.taskLifeSeconds * 1000) {
      return this.#rules.unknownTask === '50215' ? businessAnswer(50215, { now }) : state('not_found');
    }
    if (modeRow(task.mode).reqKey !== reqKey) {
      return businessAnswer(50215, { now, reason: `the task was submitted with ${modeRow(task.mode).reqKey}` });
    }
    if (task.unreachableImage) return businessAnswer(50215, { now, reason: 'the image URL cannot be reached' });
    const word = this.#stateWord(task, now);
    return state(word, word === 'done' ? this.#rules.mintLink(taskId) : '');
  }

  /** The task behind a link. */
  taskOf(taskId: string): SandboxTask | undefined {
    return readTaskId(taskId, this.#rules.secret, this.#now());
  }

  #stateWord(task: SandboxTask, now: number): 'in_queue' | 'generating' | 'done' {
    const ageSeconds = (now - task.acceptedAt) / 1000;
    const { generationSeconds } = this.#rules;
    if (ageSeconds >= generationSeconds) return 'done';
    return ageSeconds < generationSeconds * QUEUE_SHARE ? 'in_queue' : 'generating';
  }

  #refuseClosed(body: Body): Answer | undefined {
    const mode = modeOrRefusal(body);
    if (mode instanceof FieldRefusal) return this.#refuseField(mode);
    const closed = this.#rules.closedCapabilities.includes(modeRow(mode).reqKey);
    return closed ? businessAnswer(50400, { now: this.#now() }) : undefined;
  }

  #refuseField({ field, reason }: FieldRefusal): Answer {
    return invalidField(field, reason, this.#now());
  }
}
