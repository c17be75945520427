/** Finds the folders in which this system keeps a user's videos and an application's data. */
import { readFileSync } from 'node:fs';
import { posix, win32 } from 'node:path';
import type { Surroundings } from './surroundings.ts';

/** The name of the application's own folder. */
const APPLICATION = 'jimeng-video-mcp';

/** @returns ~/Movies on macOS; XDG_VIDEOS_DIR on Linux, where a desktop in another language names it otherwise; else ~/Videos; undefined without a home folder */
export function readVideosFolder({ environment, homeDir, platform }: Surroundings): string | undefined {
  if (platform === 'win32') return under(homeDir, 'Videos', win32);
  if (platform === 'darwin') return under(homeDir, 'Movies');
  const configDir = absolute(environment.XDG_CONFIG_HOME) ?? under(homeDir, '.config');
  const named = absolute(environment.XDG_VIDEOS_DIR) ?? xdgVideosDir(configDir, homeDir);
  return named ?? under(homeDir, 'Videos');
}

function under(folder: string | undefined, name: string, path: typeof posix = posix): string | undefined {
  return folder === undefined ? undefined : path.join(folder, name);
}

/** "All paths must be absolute; a relative one is to be ignored" (freedesktop.org, basedir specification). */
function absolute(folder: string | undefined, path: typeof posix = posix): string | undefined {
  return folder !== undefined && path.isAbsolute(folder) ? folder : undefined;
}

/** user-dirs.dirs: `XDG_VIDEOS_DIR="$HOME/Vidéos"` (freedesktop.org, xdg-user-dirs). */
function xdgVideosDir(configDir: string | undefined, homeDir: string | undefined): string | undefined {
  if (configDir === undefined || homeDir === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(posix.join(configDir, 'user-dirs.dirs'), 'utf8');
  } catch {
    return undefined;
  }
  const value = /^XDG_VIDEOS_DIR="(.*)"$/m.exec(text)?.[1]?.replace('$HOME', () => homeDir);
  // A user who has no such folder has it set to the home folder itself.
  return value !== undefined && posix.isAbsolute(value) && posix.relative(homeDir, value) !== '' ? value : undefined;
}

interface SystemFolder {
  /** Below the home folder, by default. */
  readonly linux: string;
  readonly xdg: string;
  readonly mac: string;
  readonly windows: string;
}

function systemFolder({ environment, homeDir, platform }: Surroundings, of: SystemFolder): string | undefined {
  if (platform === 'win32') {
    const local = absolute(environment.LOCALAPPDATA, win32) ?? under(homeDir, 'AppData\\Local', win32);
    return under(local, `${APPLICATION}\\${of.windows}`, win32);
  }
  if (platform === 'darwin') return under(homeDir, `Library/${of.mac}/${APPLICATION}`);
  return under(absolute(environment[of.xdg]) ?? under(homeDir, of.linux), APPLICATION);
}

/** @returns the system's folder for application data; undefined without a home folder */
export function stateFolder(from: Surroundings): string | undefined {
  const linux = { linux: '.local/share', xdg: 'XDG_DATA_HOME' };
  return systemFolder(from, { ...linux, mac: 'Application Support', windows: 'Data' });
}

/** @returns the system's folder for what can be made again; undefined without a home folder */
export function cacheFolder(from: Surroundings): string | undefined {
  return systemFolder(from, { linux: '.cache', xdg: 'XDG_CACHE_HOME', mac: 'Caches', windows: 'Cache' });
}
