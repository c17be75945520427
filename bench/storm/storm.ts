/** Makes many videos while a tenth of all answers goes wrong and processes are killed at random. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODE_NAMES, modeRow } from '../../src/jimeng/modes.ts';
import { startStorm } from './faults.ts';
import { type Figures, judge } from './figures.ts';
import { buildProgram } from './program.ts';
import { environmentIn, type Killing, killAtRandom, startBoundlessSandbox } from './stage.ts';
import { StdioClient } from './stdio-client.ts';
import { type Request, Worker } from './worker.ts';

export interface StormOptions extends Killing {
  readonly tasks: number;
  readonly processes: number;
  /** Living at the same time. */
  readonly processesAtOnce: number;
  /** 0–1. */
  readonly faultShare: number;
  readonly generationSeconds: number;
  readonly busyFrom: number;
  /** Where the program's sources are, if not in this checkout: to see a rule fail that was taken out. */
  readonly sources?: string;
  readonly onProgress?: (line: string) => void;
}

/** Every mode: each req_key has a queue of its own. */
export function requestOf(number: number): Request {
  const mode = MODE_NAMES[number % MODE_NAMES.length] ?? 't2v_720p';
  const row = modeRow(mode);
  const url = (name: string) => `https://example.com/${name}-${number}.png`;
  return {
    prompt: `storm ${number}`,
    mode,
    duration: number % 20 === 7 ? 4 : 5,
    ...(row.image === 'required' ? { image: url('first') } : {}),
    ...(row.tailImage === 'required' ? { tail_image: url('tail') } : {}),
    ...(row.camera === 'required' ? { template_id: 'robo_arm' } : {}),
  };
}

/** Runs to the end of every request, then looks at what the provider, the database and the folder say. */
export async function runStorm(options: StormOptions): Promise<Figures> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-storm-'));
  const { generationSeconds, seed } = options;
  const sandbox = await startBoundlessSandbox(generationSeconds);
  const program = await buildProgram(options.sources);
  const rules = { seed, share: options.faultShare, busyFrom: options.busyFrom, generationSeconds };
  const storm = startStorm(() => sandbox, rules);
  const environment = environmentIn(folder, sandbox);
  const requests = Array.from({ length: options.tasks }, (_, number) => requestOf(number));
  const waiting = Array.from({ length: options.processes }, (_, index) => {
    const share = requests.filter((_request, number) => number % options.processes === index);
    return new Worker(() => new StdioClient([process.execPath, program.path], environment, folder), share);
  });
  const workers = [...waiting];
  const running = new Set<Worker>();
  const over = new AbortController();
  const killing = killAtRandom(() => [...running].filter(({ isBusy }) => isBusy), options, over.signal);
  const takeTurns = async () => {
    for (let worker = waiting.shift(); worker !== undefined; worker = waiting.shift()) {
      running.add(worker);
      await worker.run();
      running.delete(worker);
      const done = workers.reduce((sum, { finished }) => sum + finished, 0);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      options.onProgress?.(
        `${done} of ${options.tasks} requests are over after ${seconds} s, ${waiting.length} processes to go`,
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: options.processesAtOnce }, takeTurns));
    over.abort();
    const kills = await killing;
    const seconds = (performance.now() - startedAt) / 1000;
    return await judge({ sandbox, storm, workers, requests, folder, kills, seconds });
  } finally {
    over.abort();
    for (const worker of running) worker.end();
    await sandbox.close();
    await program.remove();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
