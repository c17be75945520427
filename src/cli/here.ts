/** With which command is this program run again, here? A name that the reader's shell does not find is copied in vain. */
import { existsSync } from 'node:fs';
import { posix, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchPathOf, surroundings } from '../settings.ts';
import { NAME } from '../version.ts';
import { isClone, type Program } from './setup-clients.ts';

export interface Shell {
  readonly system: NodeJS.Platform;
  /** PATH. */
  readonly searchPath: string;
  readonly isThere: (path: string) => boolean;
}

/** In the bundle all parts lie beside main.js. */
export function ownProgram(): Program {
  return { path: fileURLToPath(new URL('./main.js', import.meta.url)), node: process.execPath };
}

export function commandHere(): string {
  const shell = { system: process.platform, searchPath: searchPathOf(surroundings()), isThere: existsSync };
  return commandFor(ownProgram(), shell);
}

export function commandFor(program: Program, shell: Shell): string {
  if (isClone(program)) return `node ${quoted(program.path, shell.system)}`;
  return isOnPath(shell) ? NAME : `npx -y ${NAME}`;
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

/** Single quotes mean nothing to cmd; a double one is in no path of Windows. */
function quoted(path: string, system: NodeJS.Platform): string {
  if (system === 'win32') return /^[\w.:\\/-]+$/.test(path) ? path : `"${path}"`;
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
