/** Several processes compete for one request, two slots, and a task whose polling process dies. */
import { newPrompt, openStage, type ServerProcess, until } from './stage.ts';

export interface SameRequest {
  readonly rounds: number;
  readonly processes: number;
  /** How often the provider took a request in each round: 1 where the promise holds. */
  readonly submitsARound: readonly number[];
  readonly joined: number;
}

/** Every process asks for the same in the same instant. */
export async function sameRequest(
  program: string,
  clips: string,
  processes: number,
  rounds: number,
): Promise<SameRequest> {
  const stage = await openStage(clips);
  try {
    const environment = { JIMENG_VIDEO_CONCURRENCY: '100' };
    const servers = await Promise.all(Array.from({ length: processes }, () => stage.start({ program, environment })));
    const submitsARound: number[] = [];
    let joined = 0;
    for (let round = 0; round < rounds; round++) {
      const prompt = newPrompt('the same');
      const reports = await Promise.all(servers.map((server) => server.call('submit_video_task', { prompt })));
      joined += reports.filter(({ message }) => message.includes('already exists as task')).length;
      submitsARound.push(stage.accepted(prompt));
    }
    return { rounds, processes, submitsARound, joined };
  } finally {
    await stage.close();
  }
}

export interface Queue {
  readonly tasks: number;
  readonly processes: number;
  readonly concurrency: number;
  readonly saved: number;
  readonly submittedTwice: number;
  /** At the provider at the same time, at most. */
  readonly mostInFlight: number;
  /** 50430s: none unless the setting promises more slots than there are. */
  readonly refusals: number;
  /** How far, in places, a request was claimed before or after its turn. */
  readonly farthestOutOfOrder: number;
  readonly seconds: number;
}

const SLOTS = 2;
/** The provider's time for each. */
const GENERATION_SECONDS = 0.3;

/** So many concurrent submits, against a provider that runs two tasks. */
export async function queue(
  program: string,
  clips: string,
  options: {
    readonly tasks: number;
    readonly processes: number;
    readonly concurrency: number;
    readonly generationSeconds?: number;
  },
): Promise<Queue> {
  const { tasks, processes, concurrency, generationSeconds = GENERATION_SECONDS } = options;
  const stage = await openStage(clips, { tasksInFlight: SLOTS, generationSeconds });
  const startedAt = performance.now();
  try {
    const environment = { JIMENG_VIDEO_CONCURRENCY: String(concurrency) };
    const servers = await Promise.all(Array.from({ length: processes }, () => stage.start({ program, environment })));
    const prompts = Array.from({ length: tasks }, (_, index) => newPrompt(`number ${index}`));
    await Promise.all(
      prompts.map((prompt, index) =>
        (servers[index % processes] as ServerProcess).call('submit_video_task', { prompt }),
      ),
    );
    await until(
      'all saved',
      async () => ((await servers[0]?.list())?.every(({ status }) => status === 'done') ? true : undefined),
      120,
    );
    const { records, videos } = await stage.look();
    // By the claims: a process that is starved between its claim and its request changes the order of arrival.
    const asClaimed = records.toSorted((one, other) => (one.sentAt ?? 0) - (other.sentAt ?? 0));
    const displaced = asClaimed.map((record, index) => Math.abs(records.indexOf(record) - index));
    const asSent = stage.sandbox.accepted.map(({ request }) => String(request.body?.prompt));
    const times = stage.sandbox.accepted.map(({ request }) => request.arrivedAt);
    const inFlightAt = (at: number) => times.filter((t) => t <= at && at < t + generationSeconds * 1000).length;
    const submits = stage.sandbox.requests.filter(({ operation }) => operation === 'submit');
    return {
      tasks,
      processes,
      concurrency,
      saved: videos.length,
      submittedTwice: asSent.length - new Set(asSent).size,
      mostInFlight: Math.max(...times.map(inFlightAt)),
      refusals: submits.filter(({ answer }) => answer?.body.includes('50430')).length,
      farthestOutOfOrder: Math.max(...displaced),
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await stage.close();
  }
}

export interface Takeover {
  /** From the watcher's death to the other process's first query. */
  readonly askedAfterSeconds: number;
  readonly savedAfterSeconds: number;
  readonly videos: number;
}

/** The process that watches a task is killed while another one lives. */
export async function takeover(program: string, clips: string): Promise<Takeover> {
  const stage = await openStage(clips, { generationSeconds: 3 });
  try {
    let isWatched = true;
    // Not finished before its watcher is dead, however slow the machine.
    const fault = { kind: 'status-word', word: 'generating' } as const;
    stage.sandbox.faults.add({ on: 'query', times: 'always', fault, when: () => isWatched });
    const [first, second] = await Promise.all([stage.start({ program }), stage.start({ program })]);
    const { task_id: id } = await first.call('submit_video_task', { prompt: newPrompt('taken over') });
    await second.list();
    const queries = () => stage.sandbox.requests.filter(({ operation }) => operation === 'query').length;
    await until('it is watched', () => (queries() > 2 ? true : undefined));
    await first.kill();
    const killedAt = performance.now();
    isWatched = false;
    const before = queries();
    await until('the other one asks', () => (queries() > before ? true : undefined));
    const askedAt = performance.now();
    await until('it is saved', async () =>
      (await second.list()).find(({ task_id, status }) => task_id === id && status === 'done'),
    );
    const { videos } = await stage.look();
    return {
      askedAfterSeconds: (askedAt - killedAt) / 1000,
      savedAfterSeconds: (performance.now() - killedAt) / 1000,
      videos: videos.length,
    };
  } finally {
    await stage.close();
  }
}
