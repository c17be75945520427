/** A client that wants its videos, and whose server dies now and then. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { listSchema } from '../../src/report/list-report.ts';
import { reportSchema } from '../../src/report/report.ts';
import { ProcessGone, type StdioClient, type ToolAnswer } from './stdio-client.ts';

/** What is given to the tool. */
export type Request = Readonly<Record<string, unknown>> & { readonly prompt: string };

export interface Seen {
  readonly request: Request;
  readonly answer: ToolAnswer;
}

/** Asks so often for a video that is finished but could not be saved. */
const SAVE_ROUNDS = 8;
/** Nothing was sent, the answer says, so it may be asked again. */
export interface Patience {
  readonly rounds: number;
  readonly pauseMilliseconds: number;
}
const IMPATIENT: Patience = { rounds: 5, pauseMilliseconds: 0 };
/** Videos that a client asks for at the same time. */
const AT_ONCE = 8;

/** One process after the other, each started when the one before was killed, until every request is over. */
export class Worker {
  /** Every answer about a request, in the order in which they came. */
  readonly seen: Seen[] = [];
  readonly badLines: string[] = [];
  /** Everything that the processes wrote, for secrets to be looked for. */
  written = '';
  /** Processes that it took. */
  starts = 0;
  readonly finalReports = new Map<string, ToolAnswer>();
  private client: StdioClient | undefined;
  private initialized = false;
  private isEnded = false;
  private readonly start: () => StdioClient;
  private readonly requests: readonly Request[];

  private readonly patience: Patience;

  /** @param start one process */
  constructor(start: () => StdioClient, requests: readonly Request[], patience: Patience = IMPATIENT) {
    this.start = start;
    this.requests = requests;
    this.patience = patience;
  }

  get finished(): number {
    return this.finalReports.size;
  }

  /** The one that runs now. */
  get process(): ChildProcess | undefined {
    return this.isBusy ? this.client?.child : undefined;
  }

  get isBusy(): boolean {
    return this.initialized && this.client?.alive === true && this.finished < this.requests.length;
  }

  kill(): void {
    this.client?.kill();
  }

  /** Gives up what is not over. */
  end(): void {
    this.isEnded = true;
    this.client?.kill();
  }

  async run(): Promise<void> {
    while (!this.isEnded && this.finished < this.requests.length) {
      const client = this.start();
      this.client = client;
      this.starts++;
      try {
        await client.initialize();
        this.initialized = true;
        const left = this.requests.filter(({ prompt }) => !this.finalReports.has(prompt));
        const bringNext = async () => {
          for (let request = left.shift(); request !== undefined; request = left.shift())
            await this.bring(client, request);
        };
        await Promise.all(Array.from({ length: AT_ONCE }, bringNext));
        await client.close();
      } catch (error) {
        if (!(error instanceof ProcessGone)) throw error;
      } finally {
        this.initialized = false;
        client.kill();
        this.badLines.push(...client.badLines);
        this.written += client.stdout + client.stderr;
      }
    }
  }

  /** Makes the request, again where an earlier process died, and asks until it is over. */
  private async bring(client: StdioClient, request: Request): Promise<void> {
    let answer = await this.call(client, request, 'submit_video_task', request);
    const { rounds, pauseMilliseconds } = this.patience;
    for (let round = 0; answer.structured?.status === 'refused' && round < rounds; round++) {
      await sleep(pauseMilliseconds);
      answer = await this.call(client, request, 'submit_video_task', request);
    }
    const id = answer.structured?.task_id;
    let refused = 0;
    for (let round = 0; id !== undefined && !isOver(answer, round); ) {
      answer = await this.call(client, request, 'get_video_task', { task_id: id, wait_seconds: 30 });
      // The store was away: the task is as it was.
      if (answer.structured?.status !== 'refused') round++;
      else if (++refused > rounds) break;
      else {
        await sleep(pauseMilliseconds);
        answer = { ...answer, structured: { ...answer.structured, status: 'generating' } };
      }
    }
    this.finalReports.set(request.prompt, answer);
  }

  private async call(client: StdioClient, request: Request, tool: string, given: object): Promise<ToolAnswer> {
    const answer = await client.call(tool, given);
    this.seen.push({ request, answer });
    return answer;
  }
}

function isOver({ structured }: ToolAnswer, round: number): boolean {
  if (structured?.status === 'done') return structured.video?.path !== undefined || round >= SAVE_ROUNDS;
  return !['queued', 'submitting', 'generating'].includes(structured?.status);
}

/** @returns what is wrong with an answer, whatever it says; undefined: nothing */
export function flawOf({ structured, isError, rpcError, text }: ToolAnswer): string | undefined {
  if (rpcError !== undefined) return `a JSON-RPC error: ${rpcError.message}`;
  const isList = 'tasks' in structured;
  const read = (isList ? listSchema : reportSchema).safeParse(structured);
  if (!read.success) return `not its schema: ${read.error.message}`;
  if (structured.message === '') return 'no message';
  if (!isList && !text.includes(structured.message)) return 'a text without its message';
  if (structured.error?.code === 'internal_error') return 'an internal error';
  const isSuccess = structured.status === 'done' || structured.status === 'checked';
  if ((isError || !isSuccess) && !structured.next_step) return 'no next step';
  return undefined;
}
