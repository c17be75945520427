/** Which folders does this system keep a user's videos, and an application's data, in? */
import { readFileSync } from 'node:fs';
import { posix, win32 } from 'node:path';
import type { Surroundings } from './settings.ts';

/** The name of the application's own folder. */
const APPLICATION = 'jimeng-video-mcp';

/** ~/Movies on macOS; XDG_VIDEOS_DIR on Linux, where a desktop in another language names it otherwise; else ~/Videos. */
export function readVideosFolder({ environment, homeDir, platform }: Surroundings): string {
  if (platform === 'win32') return win32.join(homeDir, 'Videos');
  if (platform === 'darwin') return posix.join(homeDir, 'Movies');
  const configDir = absoluteOrUndefined(environment.XDG_CONFIG_HOME) ?? posix.join(homeDir, '.config');
  const named = absoluteOrUndefined(environment.XDG_VIDEOS_DIR) ?? xdgVideosDir(configDir, homeDir);
  return named ?? posix.join(homeDir, 'Videos');
}

/** "All paths must be absolute; a relative one is to be ignored" (freedesktop.org, basedir specification). */
function absoluteOrUndefined(path: string | undefined): string | undefined {
  return path !== undefined && posix.isAbsolute(path) ? path : undefined;
}

/** user-dirs.dirs: `XDG_VIDEOS_DIR="$HOME/Vidéos"` (freedesktop.org, xdg-user-dirs). */
function xdgVideosDir(configDir: string, homeDir: string): string | undefined {
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

/** The system's folder for application data. */
export function stateFolder({ environment, homeDir, platform }: Surroundings): string {
  if (platform === 'win32') {
    return win32.join(environment.LOCALAPPDATA || win32.join(homeDir, 'AppData', 'Local'), APPLICATION, 'Data');
  }
  if (platform === 'darwin') return posix.join(homeDir, 'Library', 'Application Support', APPLICATION);
  const dataDir = absoluteOrUndefined(environment.XDG_DATA_HOME) ?? posix.join(homeDir, '.local', 'share');
  return posix.join(dataDir, APPLICATION);
}

/** The system's folder for what can be made again. */
export function cacheFolder({ environment, homeDir, platform }: Surroundings): string {
  if (platform === 'win32') {
    return win32.join(environment.LOCALAPPDATA || win32.join(homeDir, 'AppData', 'Local'), APPLICATION, 'Cache');
  }
  if (platform === 'darwin') return posix.join(homeDir, 'Library', 'Caches', APPLICATION);
  return posix.join(absoluteOrUndefined(environment.XDG_CACHE_HOME) ?? posix.join(homeDir, '.cache'), APPLICATION);
}
