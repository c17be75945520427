/** The command that leads a new user to the first video in three questions: sandbox or real, the keys, the client. */
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { createLog } from '../log.ts';
import { readSettings, type Surroundings, surroundings } from '../settings.ts';
import { examine } from './doctor-examine.ts';
import { commandHere } from './here.ts';
import { EXIT } from './outcome.ts';
import { listenForInterruption } from './session.ts';
import { writeClient } from './setup.ts';
import { CLIENT_NAMES, CLIENTS, type ClientName, clientNamed, platformOf, type Variables } from './setup-clients.ts';
import type { Terminal } from './terminal.ts';

const SANDBOX = { JIMENG_VIDEO_API_URL: 'sandbox' } as const;

/** In a pipe, in CI, or in a script there is nobody to answer. */
const NOBODY =
  'init asks questions, and nobody can answer here. In a script, set VOLC_ACCESSKEY and VOLC_SECRETKEY and run: setup CLIENT --write. JIMENG_VIDEO_API_URL=sandbox tries everything without an account.';

export function addInit(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('init')
    .summary('begin: the sandbox or real videos, the keys, and your client, in three questions')
    .description(
      'Leads to the first video in three questions: the sandbox or real videos, the keys, and the client to set up. Checks the keys, which is free, and writes the client’s file, with a backup beside it. For a terminal only.',
    )
    .action(async () => {
      end(await init(terminal));
    });
}

/** Nothing is set up, and a person can be asked. */
export function isFirstRun(from: Surroundings = surroundings()): boolean {
  const { settings, missingKeys } = readSettings(from);
  return settings.api !== 'sandbox' && missingKeys.length > 0 && !isAutomatic(from);
}

function isAutomatic({ environment }: Surroundings): boolean {
  return (environment.CI ?? '') !== '' && environment.CI !== 'false';
}

/** Ctrl-C, or Ctrl-D: nothing more is asked, and nothing is written. */
class Interrupted extends Error {}

async function init(terminal: Terminal): Promise<number> {
  const from = surroundings();
  if (!terminal.canAsk || isAutomatic(from)) {
    terminal.say(NOBODY);
    return EXIT.wrongUsage;
  }
  const { signal, stopListening } = listenForInterruption();
  const ask = async (question: string, isSecret = false): Promise<string> => {
    const answer = await terminal.ask(question, signal, isSecret);
    if (signal.aborted || answer === undefined) throw new Interrupted();
    return answer.trim();
  };
  try {
    return await lead(terminal, from, ask, signal);
  } catch (error) {
    if (!(error instanceof Interrupted) && !signal.aborted) throw error;
    terminal.say('\nInterrupted: nothing was written.');
    return EXIT.failed;
  } finally {
    stopListening();
  }
}

type Ask = (question: string, isSecret?: boolean) => Promise<string>;

async function lead(terminal: Terminal, from: Surroundings, ask: Ask, signal: AbortSignal): Promise<number> {
  terminal.say(`1 of 3: What do you want to make?
  1  test videos in the sandbox: no account, nothing is charged
  2  real videos: with the keys of a Volcengine account, from ¥1.40 each`);
  const isReal = await choosesReal(terminal, ask);
  const keys = isReal ? await askForKeys(terminal, from, ask, signal) : undefined;
  if (keys === undefined) terminal.say('\n2 of 3: The sandbox needs no keys.');
  const client = await askForClient(terminal, ask);
  if (client !== undefined) {
    const place = { from, platform: platformOf(process.platform) };
    const entry = keys === undefined ? { ...place, variables: SANDBOX } : { ...place, keys, outdated: SANDBOX };
    const code = await writeClient(terminal, CLIENTS[client], entry);
    if (code !== EXIT.done) return code;
  }
  terminal.say(nextSteps(client, isReal));
  return EXIT.done;
}

async function choosesReal(terminal: Terminal, ask: Ask): Promise<boolean> {
  for (;;) {
    const answer = await ask('1 or 2 [1]: ');
    if (answer === '2') return true;
    if (answer === '' || answer === '1') return false;
    terminal.say(`"${answer}" is not 1 or 2.`);
  }
}

function nextSteps(client: ClientName | undefined, isReal: boolean): string {
  const wish = 'Make a 5-second video of a paper boat on a pond at dawn.';
  if (client !== undefined) return `\nThen ask ${CLIENTS[client].title}: “${wish}”`;
  const variables = isReal ? 'VOLC_ACCESSKEY=… VOLC_SECRETKEY=…' : 'JIMENG_VIDEO_API_URL=sandbox';
  return `\nTo make a video here: ${variables} ${commandHere()} generate "A paper boat on a pond at dawn"`;
}

/** Asks again while the provider refuses the keys, unless the user keeps them. */
async function askForKeys(terminal: Terminal, from: Surroundings, ask: Ask, signal: AbortSignal): Promise<Variables> {
  terminal.say(
    '\n2 of 3: The keys, from console.volcengine.com/iam/keymanage. They are checked, which is free, and kept in the client’s file only.',
  );
  const { credentials } = readSettings(from).settings;
  let keys: Variables | undefined;
  if (credentials !== undefined && credentials.sessionToken === undefined) {
    const isTaken = await agrees(ask, `Use the keys of this shell (${credentials.accessKeyId})?`);
    if (isTaken) keys = { VOLC_ACCESSKEY: credentials.accessKeyId, VOLC_SECRETKEY: credentials.secretAccessKey };
  }
  for (;;) {
    keys ??= {
      VOLC_ACCESSKEY: await askUntilGiven(ask, 'Access key: '),
      VOLC_SECRETKEY: await askUntilGiven(ask, 'Secret key (not shown): ', true),
    };
    terminal.say('Checking …');
    const { verdict, capabilities } = await examineWith(from, keys, signal);
    terminal.say(verdict);
    const works = capabilities.some((capability) => capability.verdict === 'ready');
    if (works || !(await agrees(ask, 'Enter other keys?'))) return keys;
    keys = undefined;
  }
}

async function examineWith(from: Surroundings, keys: Variables, signal: AbortSignal) {
  const environment = { ...from.environment, ...keys, VOLC_SESSION_TOKEN: '' };
  return await examine({ ...from, environment }, { clock: systemClock, log: createLog('silent'), signal });
}

async function askUntilGiven(ask: Ask, question: string, isSecret = false): Promise<string> {
  for (;;) {
    const answer = await ask(question, isSecret);
    if (answer !== '') return answer;
  }
}

async function agrees(ask: Ask, question: string): Promise<boolean> {
  return /^(y|$)/i.test(await ask(`${question} [Y/n] `));
}

async function askForClient(terminal: Terminal, ask: Ask): Promise<ClientName | undefined> {
  const lines = CLIENT_NAMES.map((name, index) => `  ${index + 1}  ${CLIENTS[name].title}`);
  terminal.say(`\n3 of 3: Which client shall use it?\n${lines.join('\n')}`);
  for (;;) {
    const answer = await ask('Number or name, or Enter for none: ');
    if (answer === '') return undefined;
    const client = CLIENT_NAMES[Number(answer) - 1] ?? clientNamed(answer);
    if (client !== undefined) return client;
    terminal.say(`"${answer}" is not in the list.`);
  }
}
