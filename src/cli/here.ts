/** The command that runs this program again in the reader's shell. */
import { existsSync, readFileSync } from 'node:fs';
import { posix, resolve, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellWord } from '../report/text.ts';
import { searchPathOf, surroundings } from '../settings.ts';
import { NAME } from '../version.ts';
import { isClone, type Program } from './setup-clients.ts';

export interface Shell {
  readonly system: NodeJS.Platform;
  /** PATH. */
  readonly searchPath: string;
  readonly isThere: (path: string) => boolean;
  /** @returns undefined where there is none */
  readonly read: (path: string) => string | undefined;
}

/** In the bundle all parts lie beside main.js. */
export function ownProgram(): Program {
  return { path: fileURLToPath(new URL('./main.js', import.meta.url)), node: process.execPath };
}

export function commandHere(): string {
  const shell = { system: process.platform, searchPath: searchPathOf(surroundings()), isThere: existsSync, read };
  return commandFor(ownProgram(), shell);
}

export function commandFor(program: Program, shell: Shell): string {
  if (isClone(program)) return `node ${quoted(program.path, shell.system)}`;
  if (isOnPath(shell)) return NAME;
  const file = packageFile(program, shell);
  return `npx -y ${file === undefined ? NAME : quoted(file, shell.system)}`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** `npx ./file.tgz` installs into a folder of its own, whose package.json names the file; the registry may not have it. */
function packageFile({ path }: Program, shell: Shell): string | undefined {
  const folder = /^(.*[\\/]_npx[\\/][^\\/]+)[\\/]node_modules[\\/]/.exec(path)?.[1];
  if (folder === undefined) return undefined;
  const text = shell.read(`${folder}/package.json`);
  const wanted = text === undefined ? undefined : /"file:([^"]+)"/.exec(text)?.[1];
  return wanted === undefined ? undefined : resolve(folder, wanted);
}

/** npx and npm put folders of their own in front of PATH, which the reader's shell does not have. */
function isOnPath({ system, searchPath, isThere }: Shell): boolean {
  const { delimiter, join } = system === 'win32' ? win32 : posix;
  const file = system === 'win32' ? `${NAME}.cmd` : NAME;
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '' && !/[\\/]node_modules[\\/]\.bin[\\/]?$/.test(folder))
    .some((folder) => isThere(join(folder, file)));
}

/** cmd does not know single quotes, and no Windows path contains a double one. */
function quoted(path: string, system: NodeJS.Platform): string {
  if (system !== 'win32') return shellWord(path);
  return /^[\w.:\\/-]+$/.test(path) ? path : `"${path}"`;
}
