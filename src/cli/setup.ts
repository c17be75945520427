/** Print the configuration of a client, and where it goes. Writes nothing. */
import type { Command } from 'commander';
import { Problem } from '../problems.ts';
import { EXIT } from './exit-codes.ts';
import { commandHere, ownProgram } from './here.ts';
import { textOption } from './options.ts';
import { sayProblem } from './outcome.ts';
import { CLIENT_NAMES, CLIENTS, clientNamed, type SetupClient } from './setup-clients.ts';
import { isClone, launchOn, PLATFORMS, type Platform, platformOf } from './setup-launch.ts';
import type { Terminal } from './terminal.ts';

const KEYS_NOTE =
  'The keys are made at console.volcengine.com/iam/keymanage. To try it without an account, give JIMENG_VIDEO_API_URL = sandbox in their place.';
const CLONE_NOTE = 'npx takes the published package. For a clone on that computer, run setup there.';
/** MCP clients hand on PATH, HOME and the like only. */
const PROXY_NOTE =
  'Behind a proxy, add HTTPS_PROXY (and NODE_EXTRA_CA_CERTS) there too: most clients do not hand their own environment on.';

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

async function setup(terminal: Terminal, client: string | undefined, wanted: string | undefined): Promise<number> {
  try {
    const here = platformOf(process.platform);
    const platform = wanted === undefined ? here : platformOrProblem(wanted);
    if (client === undefined) await terminal.print(listText(platform));
    else await terminal.print(clientText(clientOrProblem(client), platform, platform === here));
    return EXIT.done;
  } catch (error) {
    return sayProblem(terminal, error);
  }
}

function platformOrProblem(text: string): Platform {
  const platform = PLATFORMS.find((known) => known === text.toLowerCase());
  if (platform !== undefined) return platform;
  throw new Problem('invalid_input', {
    what: `--platform is "${text}", and there are ${PLATFORMS.join(', ')}.`,
    mend: 'give one of these',
  });
}

function clientOrProblem(text: string): SetupClient {
  const name = clientNamed(text);
  if (name !== undefined) return CLIENTS[name];
  throw new Problem('invalid_input', {
    what: `"${text}" is no client that setup knows; it knows ${CLIENT_NAMES.join(', ')}.`,
    mend: 'give one of these; any other client takes the command, the arguments and the variables of one of them in its own way',
  });
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
    'What the file has already stays: add the server beside it.',
    KEYS_NOTE,
    PROXY_NOTE,
  ].join('\n');
}
