/** `serve token add`, `list` and `remove`: the people who may use the shared server. */
import type { Command } from 'commander';
import * as z from 'zod';
import { systemClock } from '../clock.ts';
import { Problem } from '../problems.ts';
import { oneLine, yuan } from '../report/text.ts';
import type { Entry } from '../serve/token-file.ts';
import { readSettings, requireSettings, surroundings } from '../settings.ts';
import { maxCostInput, numberOption, parseInput } from './options.ts';
import { EXIT } from './outcome.ts';
import { sayProblem } from './session.ts';
import type { Terminal } from './terminal.ts';

const addInput = z.strictObject({ name: z.string(), budget: maxCostInput, admin: z.boolean().optional() });

export function addTokenCommands(serve: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  const command = serve
    .command('token')
    .summary('the people who may use the server')
    .description('Changes the list of the people who may use the server, in the file that JIMENG_VIDEO_TOKENS names.');
  command
    .command('add')
    .argument('<NAME>', 'of the person, or of the program')
    .description(
      'Makes a token, prints it once, and adds its SHA-256 to the list. A running server reads the list again.',
    )
    .addOption(numberOption('--budget <cny>', 'what this person’s videos of 24 hours may cost'))
    .option('--admin', 'sees everybody’s videos, and the server’s figures')
    .action(async (name: string, options: Record<string, unknown>) => {
      end(await orProblem(terminal, () => add(terminal, { name, ...options })));
    });
  command
    .command('list')
    .description('Prints the names, with budgets and admins.')
    .action(async () => {
      end(await orProblem(terminal, () => list(terminal)));
    });
  command
    .command('remove')
    .argument('<NAME>', 'of the person, or of the program')
    .description('Removes a token from the list: it ends at its next request. The person’s videos stay.')
    .action(async (name: string) => {
      end(await orProblem(terminal, () => remove(terminal, name)));
    });
}

/** @throws Problem where no file is named */
function tokenFile(): string {
  const read = readSettings(surroundings());
  requireSettings(read, 'serve');
  const { tokensFile } = read.settings;
  if (tokensFile !== undefined) return tokensFile;
  throw new Problem('invalid_settings', {
    what: 'JIMENG_VIDEO_TOKENS is not set.',
    hint: 'set it to the path of the file that lists who may use the server; the file is made with the first token',
  });
}

async function add(terminal: Terminal, given: Record<string, unknown>): Promise<void> {
  const { name, budget, admin = false } = parseInput(addInput, given);
  const { addToken } = await import('../serve/token-file.ts');
  const rights = { ...(budget === undefined ? {} : { daily_budget_cny: budget }), ...(admin ? { admin } : {}) };
  const token = await addToken(tokenFile(), { name, ...rights }, systemClock);
  terminal.say(`The token of ${name}. It is shown this once; give it to ${name} in a safe way.`);
  await terminal.print(token);
}

async function list(terminal: Terminal): Promise<void> {
  const { readTokenFile } = await import('../serve/token-file.ts');
  const entries = await readTokenFile(tokenFile());
  if (entries.length === 0) return terminal.say('Nobody has a token.');
  await terminal.print(entries.map(lineOf).join('\n'));
}

function lineOf({ name, sub, sha256, admin, daily_budget_cny: budget }: Entry): string {
  const who =
    sub === '*' ? 'everybody else who signs in' : sub === undefined ? undefined : `signs in as ${oneLine(sub)}`;
  const how = name !== undefined && sha256 === undefined ? [who, 'no token'] : [who];
  const rights = [admin ? 'admin' : undefined, budget === undefined ? undefined : `${yuan(budget)} in 24 hours`];
  return [name, ...how, ...rights].filter((part) => part !== undefined).join(', ');
}

async function remove(terminal: Terminal, name: string): Promise<void> {
  const { removeToken } = await import('../serve/token-file.ts');
  const { sub } = await removeToken(tokenFile(), name, systemClock);
  if (sub === undefined) return terminal.say(`${name} can no longer use the server.`);
  terminal.say(
    `${name} is no longer in the list. Whoever signs in as ${oneLine(sub)} is still let in, as somebody else: end that at the authorization server.`,
  );
}

async function orProblem(terminal: Terminal, run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return sayProblem(terminal, error);
  }
}
