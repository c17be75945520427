/** `serve` and `worker`: the shared server, and a process that only works on what is open; both until a signal. */
import type { Command } from 'commander';
import * as z from 'zod';
import { systemClock } from '../clock.ts';
import { createLog, stackOf } from '../log.ts';
import { Problem } from '../problems.ts';
import type { Running } from '../serve/serve.ts';
import { readSettings, requireSettings, surroundings } from '../settings.ts';
import { numberOption, parseInput, portInput, rethrowListenError, textOption } from './options.ts';
import { EXIT } from './outcome.ts';
import { addTokenCommands } from './serve-token.ts';
import { listenForInterruption, sayProblem } from './session.ts';
import type { Terminal } from './terminal.ts';

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

/** @returns the exit code; ends the process itself where something else would keep it */
async function runUntilSignal(terminal: Terminal, run: (running: Running) => Promise<void>): Promise<number> {
  const interruption = listenForInterruption();
  const read = readSettings(surroundings());
  const log = createLog(read.settings.logLevel);
  for (const { name, message } of read.notes) log.warn('setting ignored', { setting: name, reason: message });
  const running: Running = { read, clock: systemClock, log, over: interruption.signal, endings: [] };
  // One request that went wrong must not end everybody's.
  process.on('unhandledRejection', (error) => log.error('an unexpected error', { reason: stackOf(error) }));
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
      terminal.say(`An unexpected error ends the process: ${stackOf(error)}`);
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
  requireSettings(running.read, 'serve');
  const { prepareServer } = await import('../serve/serve.ts');
  const server = await prepareServer(running, { host, port, isWorker });
  const url = await server.listen().catch((error: unknown) => rethrowListenError(error, port, host));
  terminal.say(`listening on ${url}`);
  await server.runUntilOver();
}

async function worker(terminal: Terminal, running: Running): Promise<void> {
  const { openApp, work } = await import('../serve/serve.ts');
  const app = openApp(running, 'all');
  terminal.say('working on open tasks');
  await work(app, running);
}
