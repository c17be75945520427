/** Ten people and three servers share an account that runs two tasks: fair turns, never more than two, and a server dies. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpServer, startHttp } from '../../test/support/http-server.ts';
import { startPostgres, statements } from '../../test/support/postgres.ts';
import { startCommand } from '../../test/support/run-command.ts';
import { startSandbox } from '../../test/support/sandbox.ts';
import { makeWorkspace } from '../../test/support/server-workspace.ts';

export interface FairOptions {
  readonly hosts: number;
  readonly people: number;
  /** Of each person, made at the same time. */
  readonly requests: number;
  readonly generationSeconds: number;
}

export interface FairFigures {
  readonly accepted: number;
  readonly saved: number;
  readonly acceptedTwice: number;
  readonly unknown: number;
  /** By what the provider took and when it was finished. */
  readonly mostInFlight: number;
  /** Submits that the provider refused because two were running. */
  readonly refusedByProvider: number;
  /** How many claims went before each person's first: at most one of every other person. */
  readonly latestFirstTurn: number;
  /** In every window of as many claims as there are people, as long as all wait: how many different people had one. */
  readonly fewestPeopleInARound: number;
  /** From a server's death until one of its running tasks was polled by another one. */
  readonly takeoverSeconds: number;
  readonly seconds: number;
}

const LIMIT = 2;
const MOST_SECONDS = 600;

export async function runFair({
  hosts: count,
  people,
  requests,
  generationSeconds,
}: FairOptions): Promise<FairFigures> {
  const startedAt = performance.now();
  const database = await startPostgres('max_connections=200');
  const sandbox = await startSandbox({ generationSeconds, tasksInFlight: LIMIT, requestsPerSecond: 100_000 });
  const workspace = await makeWorkspace();
  const hosts: HttpServer[] = [];
  try {
    const address = await database.createDatabase();
    const env = {
      ...workspace.environment(sandbox.url),
      JIMENG_VIDEO_STORE: address,
      JIMENG_VIDEO_TOKENS: join(workspace.folder, 'people.yaml'),
      JIMENG_VIDEO_OUTPUT_DIR: join(workspace.folder, 'videos'),
      JIMENG_VIDEO_CONCURRENCY: String(LIMIT),
    };
    await mkdir(env.JIMENG_VIDEO_OUTPUT_DIR, { recursive: true });
    const tokens: string[] = [];
    for (let person = 0; person < people; person++) {
      const added = await startCommand(['serve', 'token', 'add', `person${person}`], {
        env,
        workingDir: workspace.folder,
      }).result;
      tokens.push(added.stdout.trim());
    }
    for (let host = 0; host < count; host++) hosts.push(await startHttp(env));
    let living = [...hosts];
    // biome-ignore lint/suspicious/noExplicitAny: the report of whatever tool.
    const call = async (person: number, turn: number, name: string, given: object): Promise<any> => {
      const message = { id: 1, method: 'tools/call', params: { name, arguments: given } };
      const headers = { authorization: `Bearer ${tokens[person]}` };
      const { body } = (await living[turn % living.length]?.post(message, headers)) ?? {};
      return body?.result?.structuredContent;
    };
    // The first person's requests are all there before anybody else's.
    const prompts: string[] = [];
    for (let person = 0; person < people; person++) {
      await Promise.all(
        Array.from({ length: requests }, async (_, number) => {
          const prompt = `person${person} request${number}`;
          prompts.push(prompt);
          await call(person, person + number, 'submit_video_task', { prompt });
        }),
      );
    }
    const isUnderWay = () => sandbox.accepted.length >= (people * requests) / 4;
    while (!isUnderWay() && performance.now() - startedAt < MOST_SECONDS * 1000) await sleep(50);
    const takeoverSeconds = await takeover();
    const statuses = await whenOver();
    const ofProvider = sandbox.accepted.map(({ request }) => ({
      prompt: String(request.body?.prompt),
      at: request.arrivedAt,
    }));
    const refused = sandbox.requests.filter(
      ({ operation, answer }) => operation === 'submit' && String(answer?.body).includes('50430'),
    );
    return {
      accepted: ofProvider.length,
      saved: statuses.filter((status) => status === 'done').length,
      acceptedTwice: ofProvider.length - new Set(ofProvider.map(({ prompt }) => prompt)).size,
      unknown: statuses.filter((status) => status === 'unknown').length,
      mostInFlight: mostAtOnce(
        ofProvider.map(({ at }) => at),
        generationSeconds * 1000,
      ),
      refusedByProvider: refused.length,
      ...turnsOf(
        ofProvider.map(({ prompt }) => prompt),
        people,
        requests,
      ),
      takeoverSeconds,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    };

    /** Kills the server that polls a running task, and waits until each of its tasks is polled again. */
    async function takeover(): Promise<number> {
      const holders = await statements(address, [
        "SELECT host.name AS name, task.provider_task_id AS id FROM task JOIN host ON task.holder = host.id WHERE task.status = 'generating'",
      ]);
      const pid = Number(String(holders[0]?.name).split(' ').at(-1));
      const victim = hosts.find(({ child }) => child.pid === pid);
      const left = holders.filter(({ name }) => name === holders[0]?.name).map(({ id }) => String(id));
      living = hosts.filter((host) => host !== victim);
      const seen = sandbox.requests.length;
      await victim?.stop('SIGKILL');
      const diedAt = performance.now();
      const isPolled = (id: string) =>
        sandbox.requests.slice(seen).some(({ operation, body }) => operation === 'query' && body?.task_id === id);
      while (!left.every(isPolled) && performance.now() - diedAt < 60_000) await sleep(50);
      return victim === undefined ? Number.NaN : Math.round((performance.now() - diedAt) / 100) / 10;
    }

    async function whenOver(): Promise<string[]> {
      const statuses = new Map<string, string>();
      while (performance.now() - startedAt < MOST_SECONDS * 1000) {
        for (let person = 0; person < people; person++) {
          const list = await call(person, person, 'list_video_tasks', { limit: 50 });
          for (const task of list?.tasks ?? []) statuses.set(task.prompt, task.status);
        }
        const open = [...statuses.values()].filter((status) => ['queued', 'submitting', 'generating'].includes(status));
        if (open.length === 0 && statuses.size === prompts.length) break;
        await sleep(500);
      }
      return [...statuses.values()];
    }
  } finally {
    await Promise.all(hosts.map((host) => host.stop('SIGKILL')));
    await sandbox.close();
    await database.close();
    await workspace.remove();
  }
}

function mostAtOnce(starts: readonly number[], lasting: number): number {
  return Math.max(0, ...starts.map((at) => starts.filter((start) => start <= at && start + lasting > at).length));
}

/** @param prompts in the order in which the provider took them */
function turnsOf(prompts: readonly string[], people: number, requests: number) {
  const order = prompts.map((prompt) => prompt.split(' ')[0] ?? '');
  const firsts = [...new Set(order)].map((person) => order.indexOf(person));
  // The first requests of the first person were sent before anybody else was there.
  const everybodyFrom = order.findIndex((person) => person !== order[0]);
  let fewest = people;
  for (let from = everybodyFrom; from + people <= order.length; from++) {
    const left = new Set(order.slice(from));
    const isAnybodyDone =
      left.size < people || order.slice(0, from).filter((p) => p === order[from]).length >= requests - 1;
    if (isAnybodyDone) break;
    fewest = Math.min(fewest, new Set(order.slice(from, from + people)).size);
  }
  return { latestFirstTurn: Math.max(...firsts) - Math.max(everybodyFrom, 0), fewestPeopleInARound: fewest };
}

/** With one server killed, what it was sending is unknown. */
export function isFair(figures: FairFigures): boolean {
  const { accepted, saved, unknown, acceptedTwice, mostInFlight, latestFirstTurn, takeoverSeconds } = figures;
  return (
    acceptedTwice === 0 &&
    saved + unknown >= accepted &&
    mostInFlight <= LIMIT &&
    latestFirstTurn <= 10 &&
    takeoverSeconds <= 10
  );
}
