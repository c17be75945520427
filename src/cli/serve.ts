/** `serve` and `worker`: the shared server, and a process that only works on what is open; both until a signal. */
import type { Command } from 'commander';
import * as z from 'zod';
import { type App, createApp } from '../app.ts';
import { systemClock } from '../clock.ts';
import type { LinkOf } from '../library/library.ts';
import { createLog, type Log } from '../log.ts';
import { Problem } from '../problems.ts';
import { type ReadSettings, readSettings, requireSettings, surroundings } from '../settings.ts';
import { createNetwork } from '../system/network.ts';
import { numberOption, parseInput, portInput, rethrowListenError, textOption } from './options.ts';
import { EXIT } from './outcome.ts';
import { addTokenCommands } from './serve-token.ts';
import { listenForInterruption, sayProblem } from './session.ts';
import type { Terminal } from './terminal.ts';

/** `docker stop` kills after 10 s. */
const END_MILLISECONDS = 8_000;
/** For answers that are due: every wait has been ended by then. */
const LAST_ANSWERS_MILLISECONDS = 1_500;

const input = z.strictObject({ host: z.string().optional(), port: portInput, worker: z.boolean().optional() });

export function addServe(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = program
    .command('serve')
    .summary('serve MCP over HTTP, for many agents and people')
    .description(
      'Serves MCP over Streamable HTTP at /mcp until a signal, for many agents and people. Without JIMENG_VIDEO_TOKENS and JIMENG_VIDEO_OAUTH_ISSUER it is reached from this computer only.',
    )
    .addOption(textOption('--host <host>', 'the address to listen on (default: 127.0.0.1; 0.0.0.0: all)'))
    .addOption(numberOption('--port <port>', 'the port to listen on (default: 8080; 0: any free one)'))
    .option('--no-worker', 'only take requests in and answer them: other processes send, poll and save')
    .action(async (options: Record<string, unknown>) => {
      end(await runUntilSignal(terminal, (running) => serve(terminal, options, running)));
    });
  addTokenCommands(command, terminal, end);
  program
    .command('worker')
    .summary('send, poll and save open tasks, without HTTP')
    .description(
      'Polls and saves the open tasks of other processes, until a signal. On a shared database (JIMENG_VIDEO_STORE) it also sends what they have queued.',
    )
    .action(async () => {
      end(await runUntilSignal(terminal, (running) => worker(terminal, running)));
    });
}

interface Running {
  readonly read: ReadSettings;
  readonly log: Log;
  /** Aborted by the first signal. */
  readonly over: AbortSignal;
  /** What has to be ended, in the order in which it is. */
  readonly endings: (() => Promise<void>)[];
}

/** @returns the exit code; ends the process itself where something else would keep it */
async function runUntilSignal(terminal: Terminal, run: (running: Running) => Promise<void>): Promise<number> {
  const interruption = listenForInterruption();
  const read = readSettings(surroundings());
  const log = createLog(read.settings.logLevel);
  for (const { name, message } of read.notes) log.warn('setting ignored', { setting: name, reason: message });
  const running: Running = { read, log, over: interruption.signal, endings: [] };
  // One request that went wrong must not end everybody's.
  process.on('unhandledRejection', (error) => log.error('an unexpected error', { reason: reasonOf(error) }));
  // Node and libraries would write theirs as plain text between the lines of the log.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.warn('a warning of Node.js', { kind: name, reason: message }));
  const crashed = new Promise<never>((_, reject) => {
    process.on('uncaughtException', reject);
  });
  let exitCode: number = EXIT.done;
  try {
    await Promise.race([run(running), crashed]);
  } catch (error) {
    if (error instanceof Problem) exitCode = sayProblem(terminal, error);
    else {
      // The log may not be loaded yet, and is not awaited.
      terminal.say(`An unexpected error ends the process: ${reasonOf(error)}`);
      exitCode = EXIT.failed;
    }
  }
  for (const ending of running.endings) await ending().catch(() => undefined);
  interruption.stopListening();
  // A submit whose answer is still outstanding would hold the process until its own time-out, minutes later.
  if (interruption.signal.aborted || exitCode === EXIT.failed) process.exit(exitCode);
  return exitCode;
}

async function serve(terminal: Terminal, given: Record<string, unknown>, running: Running): Promise<void> {
  const { host = '127.0.0.1', port = 8080, worker: isWorker = true } = parseInput(input, given);
  const { read, over, endings } = running;
  requireSettings(read, 'serve');
  const part = await import('../serve/serve.ts');
  const {
    countWorkers,
    countedLog,
    phrasingForServer,
    createHandlers,
    Metrics,
    openAccess,
    readStore,
    galleryParts,
    sharedVideos,
    stateKeyOf,
    startServer,
    watchWorkers,
    work,
  } = part;
  const { settings } = read;
  const network = createNetwork(settings.proxy);
  const clock = systemClock;
  let listener: Awaited<ReturnType<typeof startServer>> | undefined;
  const metrics: InstanceType<typeof Metrics> = new Metrics(
    () => readStore(app, clock),
    async () => (await listener?.connections()) ?? 0,
  );
  const log = countedLog(running.log, (event, fields) => metrics.event(event, fields));
  const access = await openAccess(settings, host, { network, clock, log });
  const { publicUrl, oauthIssuer: issuer } = settings;
  const base = () => publicUrl ?? new URL(listener?.url ?? 'http://127.0.0.1');
  const videos = sharedVideos(settings, host, () => app, { base, clock });
  const app = openApp({ ...running, log }, isWorker, videos?.linkOf);
  // Without tokens, whoever calls is on this computer, and is its operator.
  const isShared = settings.tokensFile !== undefined || issuer !== undefined;
  const hasLinks = settings.storage !== undefined || videos !== undefined;
  const phrasing = isShared ? phrasingForServer(hasLinks) : undefined;
  endings.push(() => network.close());
  listener = await startServer({
    ...{ host, port, publicUrl, issuer, access, metrics, videos, clock, log, over },
    gallery: galleryParts(() => app, clock),
    ready: async () => void (await (await app.service('read')).openIds({ kind: 'terminal' })),
    handlers: createHandlers(app, log, phrasing),
    stateKey: stateKeyOf(settings.credentials),
  }).catch((error: unknown) => rethrowListenError(error, port, host));
  const { url, close } = listener;
  endings.push(() => close(LAST_ANSWERS_MILLISECONDS));
  terminal.say(`listening on ${url}`);
  if (isWorker) await work(app, { clock, log, over });
  else await watchWorkers(() => countWorkers(app), { clock, log, over });
}

async function worker(terminal: Terminal, running: Running): Promise<void> {
  const { work } = await import('../serve/serve.ts');
  const app = openApp(running, true);
  terminal.say('working on open tasks');
  await work(app, { clock: systemClock, log: running.log, over: running.over });
}

function openApp({ read, log, endings }: Running, isWorker: boolean, linkOf?: LinkOf): App {
  const app = createApp(read, log, { sends: isWorker ? 'all' : 'none', linkOf });
  // First: it ends every wait, so that the answers are due.
  endings.push(() => app.end(END_MILLISECONDS));
  return app;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
