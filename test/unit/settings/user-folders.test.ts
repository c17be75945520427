/** The system's own folders for videos, application data and caches are found on Linux, macOS and Windows. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cacheFolder, readVideosFolder, stateFolder } from '../../../src/settings/user-folders.ts';
import { from } from './surroundings.ts';

describe('the user’s folders', () => {
  const home = mkdtempSync(join(tmpdir(), 'user-folders-'));
  afterAll(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, '.config'));
  const userDirs = (line: string) => writeFileSync(join(home, '.config/user-dirs.dirs'), `# comment\n${line}\n`);
  const linux = (environment: Record<string, string> = {}) => readVideosFolder(from(environment, { homeDir: home }));

  test('of Linux: the desktop’s own name for it, else Videos', () => {
    expect(linux()).toBe(`${home}/Videos`);
    userDirs('XDG_VIDEOS_DIR="$HOME/Vidéos"');
    expect(linux()).toBe(`${home}/Vidéos`);
    userDirs('XDG_VIDEOS_DIR="/media/clips"');
    expect(linux()).toBe('/media/clips');
    expect(linux({ XDG_VIDEOS_DIR: '/x' })).toBe('/x');
    expect(linux({ XDG_CONFIG_HOME: '/nowhere' })).toBe(`${home}/Videos`);
  });

  test('of Linux: never the home folder itself, nor a relative one', () => {
    userDirs('XDG_VIDEOS_DIR="$HOME/"');
    expect(linux()).toBe(`${home}/Videos`);
    userDirs('XDG_VIDEOS_DIR="Videos"');
    expect(linux({ XDG_VIDEOS_DIR: 'here' })).toBe(`${home}/Videos`);
    expect(stateFolder(from({ XDG_DATA_HOME: 'here' }))).toBe('/home/mei/.local/share/jimeng-video-mcp');
    expect(stateFolder(from({ XDG_DATA_HOME: '/data' }))).toBe('/data/jimeng-video-mcp');
    expect(cacheFolder(from({ XDG_CACHE_HOME: 'here' }))).toBe('/home/mei/.cache/jimeng-video-mcp');
    expect(cacheFolder(from({ XDG_CACHE_HOME: '/cache' }))).toBe('/cache/jimeng-video-mcp');
  });

  test('of macOS', () => {
    const mac = from({ XDG_DATA_HOME: '/data' }, { platform: 'darwin', homeDir: '/Users/mei' });
    expect(readVideosFolder(mac)).toBe('/Users/mei/Movies');
    expect(stateFolder(mac)).toBe('/Users/mei/Library/Application Support/jimeng-video-mcp');
    expect(cacheFolder(mac)).toBe('/Users/mei/Library/Caches/jimeng-video-mcp');
  });

  test('of Windows', () => {
    const windows = from({}, { platform: 'win32', homeDir: 'C:\\Users\\mei' });
    expect(readVideosFolder(windows)).toBe('C:\\Users\\mei\\Videos');
    expect(stateFolder(windows)).toBe('C:\\Users\\mei\\AppData\\Local\\jimeng-video-mcp\\Data');
    const moved = { ...windows, environment: { LOCALAPPDATA: 'D:\\Local' } };
    expect(stateFolder(moved)).toBe('D:\\Local\\jimeng-video-mcp\\Data');
    expect(cacheFolder(moved)).toBe('D:\\Local\\jimeng-video-mcp\\Cache');
  });
});
