/** The command that prints the configuration of a client and where it goes, or writes it there. */
import type { Command } from 'commander';
import { readSettings, type Surroundings, surroundings } from '../settings.ts';
import { commandHere, ownProgram } from './here.ts';
import { textOption } from './options.ts';
import { EXIT } from './outcome.ts';
import {
  CLIENT_NAMES,
  CLIENTS,
  clientNamed,
  fileHere,
  isClone,
  KEYS,
  launchOn,
  PLATFORMS,
  type Platform,
  platformOf,
  type SetupClient,
  type Variables,
} from './setup-clients.ts';
import { endpointIn, remoteText } from './setup-remote.ts';
import { writeConfig } from './setup-write.ts';
import type { Terminal } from './terminal.ts';

const KEYS_NOTE =
  'The keys are made at console.volcengine.com/iam/keymanage. To try it without an account, set JIMENG_VIDEO_API_URL to sandbox in their place.';
const CLONE_NOTE = 'npx starts the published package. For a clone on that computer, run setup there.';
/** MCP clients pass on PATH, HOME and the like only. */
const PROXY_NOTE =
  'Behind a proxy, add HTTPS_PROXY (and NODE_EXTRA_CA_CERTS) there too: most clients do not pass their own environment on.';

export function addSetup(program: Command, terminal: Terminal, end: (exitCode: number) => void): void {
  program
    .command('setup')
    .summary('print the configuration for a client, or write it')
    .description(
      'Prints the configuration for a client, and the file it goes to. With --write it is added to that file: what the file holds stays, and a backup is left beside it.',
    )
    .argument('[client]', `${CLIENT_NAMES.join(', ')} (default: lists them)`)
    .addOption(textOption('--platform <platform>', `${PLATFORMS.join(', ')} (default: this computer's)`))
    .option('--write', "add it to the client's file, with VOLC_ACCESSKEY and VOLC_SECRETKEY where they are set")
    .addOption(textOption('--url <url>', 'of a shared server (serve): prints how the client reaches that one'))
    .addOption(textOption('--token <token>', 'for --url: put into what is printed'))
    .action(async (client: string | undefined, options: SetupOptions) => {
      end(await setup(terminal, client, options));
    });
}

interface SetupOptions {
  readonly platform?: string;
  readonly write?: boolean;
  readonly url?: string;
  readonly token?: string;
}

async function setup(
  terminal: Terminal,
  name: string | undefined,
  { platform: wanted, write, url, token }: SetupOptions,
): Promise<number> {
  const here = platformOf(process.platform);
  const platform = wanted === undefined ? here : PLATFORMS.find((known) => known === wanted.toLowerCase());
  if (platform === undefined) {
    return wrongUsage(terminal, `"${wanted}" is not a platform; choose one of ${PLATFORMS.join(', ')}.`);
  }
  if (write === true && (name === undefined || platform !== here)) {
    return wrongUsage(terminal, 'setup --write needs a client, and writes for this computer only.');
  }
  if (name === undefined) {
    await terminal.print(listText(platform, url));
    return EXIT.done;
  }
  const client = clientNamed(name);
  if (client === undefined) {
    const others = 'For any other client, use the command, the arguments and the variables of one of them.';
    return wrongUsage(terminal, `setup does not know "${name}"; it knows ${CLIENT_NAMES.join(', ')}. ${others}`);
  }
  if (url !== undefined || token !== undefined) {
    const endpoint = endpointIn(url ?? '');
    if (endpoint === undefined) {
      return wrongUsage(terminal, 'setup needs the http(s) address of the shared server in --url.');
    }
    if (write === true) {
      const what = 'setup --write adds only the server that runs on this computer.';
      return wrongUsage(terminal, `${what} Leave --write out to see what to add for the shared server, and where.`);
    }
    await terminal.print(remoteText(client, platform, endpoint, token));
    return EXIT.done;
  }
  if (write === true) return await writeHere(terminal, CLIENTS[client], platform);
  await terminal.print(clientText(CLIENTS[client], platform, platform === here));
  return EXIT.done;
}

function wrongUsage(terminal: Terminal, sentence: string): number {
  terminal.say(sentence);
  return EXIT.wrongUsage;
}

async function writeHere(terminal: Terminal, client: SetupClient, platform: Platform): Promise<number> {
  const from = surroundings();
  const { credentials } = readSettings(from).settings;
  const keys =
    credentials === undefined || credentials.sessionToken !== undefined
      ? {}
      : { VOLC_ACCESSKEY: credentials.accessKeyId, VOLC_SECRETKEY: credentials.secretAccessKey };
  return await writeClient(terminal, client, { from, platform, keys });
}

export interface ClientEntry {
  readonly from: Surroundings;
  readonly platform: Platform;
  /** For the placeholders of the keys. */
  readonly keys?: Variables;
  /** Instead of the keys. */
  readonly variables?: Variables;
  /** Removed where they have these values. */
  readonly outdated?: Variables;
}

/** Adds the server to the client's file on this computer. @returns the exit code */
export async function writeClient(
  terminal: Terminal,
  client: SetupClient,
  { from, platform, keys = {}, variables, outdated }: ClientEntry,
): Promise<number> {
  const file = fileHere(client.file[platform], from);
  if (file === undefined) return wrongUsage(terminal, `${client.file[platform]} is not on this computer.`);
  try {
    const config = client.config(launchOn(platform, ownProgram()), variables);
    const written = await writeConfig(file, config, KEYS, keys, outdated);
    if (written.kind === 'refused') {
      terminal.say(`${file} ${written.reason}. Nothing was written.`);
      return EXIT.failed;
    }
    const isNew = written.kind === 'written';
    await terminal.print(
      isNew ? `The server was added to ${file}.` : `${file} has the server already; nothing was changed.`,
    );
    if (isNew && written.backup !== undefined) await terminal.print(`The file as it was: ${written.backup}`);
    if (written.lacksKeys) await terminal.print(`Enter the keys in it. ${KEYS_NOTE}`);
    if (isNew) await terminal.print(`Restart ${client.title}.`);
    return EXIT.done;
  } catch (error) {
    terminal.say(`${file} could not be written: ${(error as Error).message}`);
    return EXIT.failed;
  }
}

function listText(platform: Platform, url?: string): string {
  const width = Math.max(...CLIENT_NAMES.map((name) => name.length));
  const lines = CLIENT_NAMES.map(
    (name) => `${name.padEnd(width)}  ${CLIENTS[name].title}: ${CLIENTS[name].file[platform]}`,
  );
  const given = url === undefined ? '' : ` --url ${url}`;
  return [...lines, '', `${commandHere()} setup CLIENT${given} prints what goes there.`].join('\n');
}

function clientText({ title, file, notes, config, command }: SetupClient, platform: Platform, isHere: boolean): string {
  const program = ownProgram();
  const launch = launchOn(platform, isHere ? program : undefined);
  const toRun = command?.(launch, platform);
  return [
    `${title}, ${platform}: ${file[platform]}`,
    '',
    toRun ?? config(launch),
    '',
    ...notes(platform),
    ...(isClone(program) && !isHere ? [CLONE_NOTE] : []),
    // A command adds to the file on its own.
    ...(toRun === undefined ? ['Keep what the file already holds, and add the server to it.'] : []),
    KEYS_NOTE,
    PROXY_NOTE,
  ].join('\n');
}
