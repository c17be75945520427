/** The command that prints the configuration of a client, and where it goes. Writes nothing. */
import type { Command } from 'commander';
import { commandHere, ownProgram } from './here.ts';
import { textOption } from './options.ts';
import { EXIT } from './outcome.ts';
import {
  CLIENT_NAMES,
  CLIENTS,
  clientNamed,
  isClone,
  launchOn,
  PLATFORMS,
  type Platform,
  platformOf,
  type SetupClient,
} from './setup-clients.ts';
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
    .summary('print the configuration for a client, and where it goes')
    .description('Prints the configuration for a client, and the file it goes to. Writes nothing.')
    .argument('[client]', `${CLIENT_NAMES.join(', ')} (default: lists them)`)
    .addOption(textOption('--platform <platform>', `${PLATFORMS.join(', ')} (default: this computer's)`))
    .action(async (client: string | undefined, { platform }: { platform?: string }) => {
      end(await setup(terminal, client, platform));
    });
}

async function setup(terminal: Terminal, name: string | undefined, wanted: string | undefined): Promise<number> {
  const here = platformOf(process.platform);
  const platform = wanted === undefined ? here : PLATFORMS.find((known) => known === wanted.toLowerCase());
  if (platform === undefined) {
    return wrongUsage(terminal, `"${wanted}" is not a platform; choose one of ${PLATFORMS.join(', ')}.`);
  }
  if (name === undefined) {
    await terminal.print(listText(platform));
    return EXIT.done;
  }
  const client = clientNamed(name);
  if (client === undefined) {
    const others = 'For any other client, use the command, the arguments and the variables of one of them.';
    return wrongUsage(terminal, `setup does not know "${name}"; it knows ${CLIENT_NAMES.join(', ')}. ${others}`);
  }
  await terminal.print(clientText(CLIENTS[client], platform, platform === here));
  return EXIT.done;
}

function wrongUsage(terminal: Terminal, sentence: string): number {
  terminal.say(sentence);
  return EXIT.wrongUsage;
}

function listText(platform: Platform): string {
  const width = Math.max(...CLIENT_NAMES.map((name) => name.length));
  const lines = CLIENT_NAMES.map(
    (name) => `${name.padEnd(width)}  ${CLIENTS[name].title}: ${CLIENTS[name].file[platform]}`,
  );
  return [...lines, '', `${commandHere()} setup CLIENT prints what goes there.`].join('\n');
}

function clientText({ title, file, notes, config }: SetupClient, platform: Platform, isHere: boolean): string {
  const program = ownProgram();
  const launch = launchOn(platform, isHere ? program : undefined);
  return [
    `${title}, ${platform}: ${file[platform]}`,
    '',
    config(launch, platform),
    '',
    ...notes(platform),
    ...(isClone(program) && !isHere ? [CLONE_NOTE] : []),
    'Keep what the file already holds, and add the server to it.',
    KEYS_NOTE,
    PROXY_NOTE,
  ].join('\n');
}
