/** With which command does a client start this server? */
import { NAME } from '../version.ts';

export const PLATFORMS = ['macos', 'windows', 'linux'] as const;
export type Platform = (typeof PLATFORMS)[number];

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

export function platformOf(system: NodeJS.Platform): Platform {
  return system === 'darwin' ? 'macos' : system === 'win32' ? 'windows' : 'linux';
}

/** This program's own file, and the Node that runs it. */
export interface Program {
  readonly path: string;
  readonly node: string;
}

/** Not put there by npm: npx would start another one, or none. */
export function isClone({ path }: Program): boolean {
  return !/[\\/]node_modules[\\/]/.test(path);
}

/**
 * What npm installed is started by npx everywhere; a clone by its path, and by the Node that runs it now, because a
 * client that was started from the desktop often finds no other.
 * @param program undefined: for another computer
 */
export function launchOn(platform: Platform, program: Program | undefined): Launch {
  if (program !== undefined && isClone(program)) return { command: program.node, args: [program.path] };
  const npx = ['npx', '-y', NAME];
  // On Windows npx is a batch file, which only a shell can start (modelcontextprotocol/servers, README).
  const [command = '', ...args] = platform === 'windows' ? ['cmd', '/c', ...npx] : npx;
  return { command, args };
}
