/** Hands a link or a file to the desktop: the browser, the file manager. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';

export interface Desktop {
  readonly platform: NodeJS.Platform;
  /** All of the program's environment: never our keys. */
  readonly environment: Readonly<Record<string, string>>;
}

type Command = readonly [program: string, ...parameters: string[]];

/** @throws Error where the desktop has no program for it */
export async function openLink(link: string, desktop: Desktop): Promise<void> {
  await start(commandFor(desktop.platform, { link }), desktop);
}

/** The folder is opened, with the file selected where the system can do that. @throws as openLink */
export async function showInFolder(file: string, desktop: Desktop): Promise<void> {
  await start(commandFor(desktop.platform, { file }), desktop);
}

/** Without a shell: neither a link nor a path is ever read as a command. */
export function commandFor(
  platform: NodeJS.Platform,
  target: { readonly link: string } | { readonly file: string },
): Command {
  if (platform === 'darwin') return 'link' in target ? ['open', target.link] : ['open', '-R', target.file];
  if (platform === 'win32') {
    return 'link' in target
      ? ['rundll32.exe', 'url.dll,FileProtocolHandler', target.link]
      : ['explorer.exe', `/select,${target.file}`];
  }
  return ['xdg-open', 'link' in target ? target.link : dirname(target.file)];
}

/** Resolves when it has started: a browser may run for hours. */
async function start([program, ...parameters]: Command, { environment }: Desktop): Promise<void> {
  const options = { env: { ...environment }, stdio: 'ignore', detached: true, shell: false } as const;
  const child = spawn(program, parameters, options);
  await once(child, 'spawn');
  child.unref();
}
