/** What people and clients write as places is read by the rules of the system whose paths they are. */
import { posix, win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rootPath } from '../../../src/library/choose-place.ts';
import { readOutputText } from '../../../src/library/output-text.ts';
import { readSettings } from '../../../src/settings.ts';

const HOME = { windows: 'C:\\Users\\Mei', posix: '/home/mei' };
const onWindows = (output: string) => readOutputText(output, HOME.windows, 'output', win32);
const elsewhere = (output: string) => readOutputText(output, HOME.posix, 'output', posix);

describe('`output` on Windows', () => {
  it.each([
    ['C:\\videos\\boat.mp4', 'C:\\videos\\boat.mp4'],
    ['"C:\\my videos\\boat.mp4"', 'C:\\my videos\\boat.mp4'],
    ['~\\boat.mp4', 'C:\\Users\\Mei\\boat.mp4'],
    ['~/boat.mp4', 'C:\\Users\\Mei\\boat.mp4'],
    ['%USERPROFILE%\\boat.mp4', 'C:\\Users\\Mei\\boat.mp4'],
    ['file:///C:/my%20videos/boat.mp4', 'C:\\my videos\\boat.mp4'],
    ['sub\\boat.mp4', 'sub\\boat.mp4'],
  ])('%s is %s', (given, expected) => expect(onWindows(given)).toBe(expected));

  it.each([
    ['\\\\server\\share\\boat.mp4', /network or device path/],
    ['\\\\?\\C:\\boat.mp4', /network or device path/],
    ['file://server/share/boat.mp4', /no file on this computer/],
    ['C:\\videos\\what?.mp4', /does not take in a path/],
    ['C:\\videos\\boat.mp4:stream', /does not take in a path/],
    ['%APPDATA%\\boat.mp4', /has a variable in it/],
  ])('%s is refused', (given, reason) => expect(() => onWindows(given)).toThrow(reason));
});

describe('`output` elsewhere', () => {
  it.each([
    ['/videos/boat.mp4', '/videos/boat.mp4'],
    ['my\\ videos/boat.mp4', 'my videos/boat.mp4'],
    ['~/boat.mp4', '/home/mei/boat.mp4'],
    ['file:///my%20videos/boat.mp4', '/my videos/boat.mp4'],
  ])('%s is %s', (given, expected) => expect(elsewhere(given)).toBe(expected));

  it.each(['C:\\videos\\boat.mp4', 'sub\\boat.mp4'])('%s is refused as a Windows path', (given) =>
    expect(() => elsewhere(given)).toThrow(/is a Windows path/),
  );
});

it('a root that a client offers is a folder of this computer, in the form of each system', () => {
  expect(rootPath('file:///C:/Users/Mei/my%20project', win32)).toBe('C:\\Users\\Mei\\my project');
  expect(rootPath('file:///c%3A/Users/Mei/project', win32)).toBe('c:\\Users\\Mei\\project');
  expect(rootPath('file://server/share', win32)).toBeUndefined();
  expect(rootPath('\\\\server\\share', win32)).toBeUndefined();
  expect(rootPath('file:///home/mei/my%20project', posix)).toBe('/home/mei/my project');
  expect(rootPath('file://server/share', posix)).toBeUndefined();
  expect(rootPath('project', posix)).toBeUndefined();
});

describe('the settings on Windows', () => {
  const read = (environment: Record<string, string>) =>
    readSettings({ environment, homeDir: HOME.windows, workingDir: 'C:\\work', platform: 'win32' });

  it('separate folders with a semicolon, and know drives and ~', () => {
    const { settings, problems } = read({
      JIMENG_VIDEO_ALLOWED_DIRS: 'D:\\films;~\\Desktop; E:/shared ',
      JIMENG_VIDEO_OUTPUT_DIR: 'D:\\films',
    });
    expect(settings.allowedDirs).toEqual(['D:\\films', 'C:\\Users\\Mei\\Desktop', 'E:\\shared']);
    expect([settings.outputDir, problems]).toEqual(['D:\\films', []]);
  });

  it('save to the user’s videos folder, and keep records with the application data', () => {
    const { settings } = read({ LOCALAPPDATA: 'C:\\Users\\Mei\\AppData\\Local' });
    expect(settings.outputDir).toBe('C:\\Users\\Mei\\Videos\\Jimeng');
    expect(settings.stateDir).toBe('C:\\Users\\Mei\\AppData\\Local\\jimeng-video-mcp\\Data');
  });

  it('refuse a path of another system', () => {
    const { problems } = read({ JIMENG_VIDEO_OUTPUT_DIR: 'videos' });
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('must be an absolute path')]);
  });
});
