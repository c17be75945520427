/** `sandbox`: serves the provider's sandbox on this computer, and prints the settings that point a client at it. */
import type { Command } from 'commander';
import * as z from 'zod';
import { compact } from '../compact.ts';
import { Problem } from '../problems.ts';
import { whenAborted } from '../system/wait.ts';
import { numberInput, numberOption, parseInput, portInput, rethrowListenError } from './options.ts';
import { EXIT } from './outcome.ts';
import { listenForInterruption, sayProblem } from './session.ts';
import type { Terminal } from './terminal.ts';

const input = z.strictObject({
  port: portInput,
  generation_seconds: numberInput('a number of seconds', 0, 86_400),
  tasks_in_flight: numberInput('a whole number of tasks', 1, 1000, z.int),
});

export function addSandbox(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('sandbox')
    .summary('serve a sandbox of the provider on this computer')
    .description(
      'Serves a sandbox of the provider on this computer until Ctrl-C, and prints the settings that point a client at it. Makes no real videos, and costs nothing.',
    )
    .addOption(numberOption('--port <port>', 'where to listen (default: any free port)'))
    .addOption(numberOption('--generation-seconds <seconds>', 'how long a video takes (default: 5)'))
    .addOption(numberOption('--tasks-in-flight <number>', 'concurrent tasks per capability (default: 2)'))
    .action(async (options: Record<string, unknown>) => {
      end(await serve(terminal, options));
    });
}

async function serve(terminal: Terminal, options: Record<string, unknown>): Promise<number> {
  const interruption = listenForInterruption();
  try {
    const sandbox = await open(parseInput(input, options));
    const { accessKeyId, secretAccessKey } = sandbox.credentials;
    await terminal.print(
      [
        `JIMENG_VIDEO_API_URL=${sandbox.url}`,
        `VOLC_ACCESSKEY=${accessKeyId}`,
        `VOLC_SECRETKEY=${secretAccessKey}`,
      ].join('\n'),
    );
    terminal.say('The sandbox runs until Ctrl-C. Set these variables for the client that is to use it.');
    await whenAborted(interruption.signal);
    await sandbox.close();
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return sayProblem(terminal, error);
  } finally {
    interruption.stopListening();
  }
}

/** @throws Problem invalid_input when it cannot listen there */
async function open(options: z.output<typeof input>) {
  const { startSandbox } = await import('../sandbox/sandbox.ts');
  const { port, generation_seconds: generationSeconds, tasks_in_flight: tasksInFlight } = options;
  return await startSandbox(compact({ port, generationSeconds, tasksInFlight })).catch((error: unknown) =>
    rethrowListenError(error, port),
  );
}
