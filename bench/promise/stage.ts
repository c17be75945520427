/** What a trial needs: a provider that counts, real server processes on one state folder, and a look at what is on disk. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Film } from '../../src/films/film.ts';
import { type ListReport, listSchema } from '../../src/report/list-report.ts';
import { type Report, reportSchema } from '../../src/report/report.ts';
import type { Task } from '../../src/tasks/record.ts';
import { statements } from '../../test/support/postgres.ts';
import { readFilms, readRecords, readShared } from '../../test/support/records.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../test/support/sandbox.ts';

export interface StartOptions {
  readonly program: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Runs before the program's own `node`: a mount, a limit. */
  readonly wrapper?: readonly string[];
}

export interface ServerProcess {
  readonly pid: number;
  readonly gone: Promise<void>;
  stderr(): string;
  call(tool: string, input: object): Promise<Report>;
  /** Like `call`, ended by the signal. */
  callUntil(tool: string, input: object, signal: AbortSignal): Promise<Report>;
  /** At most 50. @param waitSeconds for all that is open */
  list(waitSeconds?: number): Promise<ListReport['tasks']>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** As a client does it: stdin closed, then signals. */
  close(): Promise<void>;
}

export interface Found {
  readonly records: readonly Task[];
  /** What SQLite says of a damaged database. */
  readonly unreadable: readonly string[];
  /** Paths of the videos. */
  readonly videos: readonly string[];
  readonly broken: readonly string[];
  readonly parts: readonly string[];
}

export interface Stage {
  readonly folder: string;
  readonly stateDir: string;
  readonly videosDir: string;
  readonly sandbox: Sandbox;
  start(options: StartOptions): Promise<ServerProcess>;
  /** How many tasks of this prompt the provider took. */
  accepted(prompt: string): number;
  look(): Promise<Found>;
  films(): Promise<readonly Film[]>;
  close(): Promise<void>;
}

const CALL_LIMIT_MILLISECONDS = 60_000;

/** @param clips the folder of the sandbox's videos */
export async function openStage(clips: string, options: SandboxOptions = {}, shared?: Sandbox): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-promise-'));
  const stateDir = join(folder, 'state');
  const videosDir = join(folder, 'videos');
  await mkdir(videosDir);
  const database = await newDatabase();
  const sandbox = shared ?? (await startSandbox(sandboxOptions(options)));
  const started: ServerProcess[] = [];
  return {
    folder,
    stateDir,
    videosDir,
    sandbox,
    async start(start) {
      const server = await startServer(start, {
        PATH: process.env.PATH ?? '',
        HOME: folder,
        VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
        VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
        JIMENG_VIDEO_API_URL: sandbox.url,
        JIMENG_VIDEO_STATE_DIR: stateDir,
        ...(database === undefined ? {} : { JIMENG_VIDEO_STORE: database }),
        JIMENG_VIDEO_OUTPUT_DIR: videosDir,
        JIMENG_VIDEO_POLL_INTERVAL: '0.05',
        LOG_LEVEL: 'warn',
        ...start.environment,
      });
      started.push(server);
      return server;
    },
    accepted: (prompt) => sandbox.accepted.filter(({ request }) => request.body?.prompt === prompt).length,
    look: () => look({ stateDir, videosDir, clips, database }),
    films: async () => (database === undefined ? readFilms(stateDir) : (await readShared(database)).films),
    async close() {
      await Promise.all(started.map((server) => server.kill()));
      if (shared === undefined) await sandbox.close();
      // What a killed process had started, as ffmpeg, may be writing still.
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export function sandboxOptions(options: SandboxOptions = {}): SandboxOptions {
  return { generationSeconds: 0.2, tasksInFlight: 1000, requestsPerSecond: 1e6, ...options };
}

async function startServer(options: StartOptions, environment: Record<string, string>): Promise<ServerProcess> {
  const [command = '', ...before] = [...(options.wrapper ?? []), process.execPath];
  const transport = new StdioClientTransport({
    command,
    args: [...before, options.program],
    env: environment,
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const client = new Client({ name: 'promise', version: '1' });
  const gone = new Promise<void>((resolve) => {
    client.onclose = resolve;
  });
  await client.connect(transport);
  const pid = transport.pid ?? 0;
  const callUntil = async (tool: string, input: object, signal?: AbortSignal) => {
    const limit = { timeout: CALL_LIMIT_MILLISECONDS, ...(signal === undefined ? {} : { signal }) };
    return (await client.callTool({ name: tool, arguments: { ...input } }, undefined, limit))
      .structuredContent as object;
  };
  let isGone = false;
  gone.then(() => {
    isGone = true;
  });
  return {
    pid,
    gone,
    stderr: () => stderr,
    call: async (tool, input) => reportSchema.parse(await callUntil(tool, input)),
    callUntil: async (tool, input, signal) => reportSchema.parse(await callUntil(tool, input, signal)),
    list: async (waitSeconds = 0) => {
      const input = { limit: 50, ...(waitSeconds > 0 ? { wait_seconds: waitSeconds, wait_for: 'all_finished' } : {}) };
      return listSchema.parse(await callUntil('list_video_tasks', input)).tasks;
    },
    async kill(signal = 'SIGKILL') {
      try {
        if (!isGone && transport.pid !== null) process.kill(pid, signal);
      } catch (error) {
        // It has ended, and its pipes are about to be closed.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
      await gone;
    },
    close: () => client.close(),
  };
}

interface Places {
  readonly stateDir: string;
  readonly videosDir: string;
  readonly clips: string;
  readonly database: string | undefined;
}

/** Every trial has a database of its own, on the server that PROMISE_POSTGRES names. @returns undefined: in the state folder */
async function newDatabase(): Promise<string | undefined> {
  const server = process.env.PROMISE_POSTGRES;
  if (server === undefined) return undefined;
  const name = `trial_${randomUUID().replaceAll('-', '')}`;
  await statements(server, [`CREATE DATABASE ${name}`]);
  return server.replace(/\/postgres$/, `/${name}`);
}

async function look({ stateDir, videosDir, clips, database }: Places): Promise<Found> {
  let records: readonly Task[] = [];
  const unreadable: string[] = [];
  try {
    records = database === undefined ? readRecords(stateDir) : (await readShared(database)).records;
  } catch (error) {
    unreadable.push(String(error));
  }
  unreadable.push(...(await readdir(stateDir).catch(() => [])).filter((name) => name.includes('damaged')));
  const files = await readdir(videosDir);
  const videos = files.filter((name) => name.endsWith('.mp4')).map((name) => join(videosDir, name));
  const whole = await readFile(join(clips, '1248x704-121.mp4'));
  const broken: string[] = [];
  for (const path of videos) if (!whole.equals(await readFile(path))) broken.push(path);
  return { records, unreadable, videos, broken, parts: files.filter((name) => !name.endsWith('.mp4')) };
}

/** No two trials ask for the same. */
export function newPrompt(of: string): string {
  return `${of} ${randomUUID()}`;
}

/** Looks every 50 ms. @throws Error when it has not come true within `seconds` */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined> | Value | undefined,
  seconds = 30,
): Promise<Value> {
  const giveUpAt = performance.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > giveUpAt) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
