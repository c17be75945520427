/** A folder's limits hold with the path rules of Windows and of the other systems, on whichever this runs. */
import { posix, win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isInside, isWithin } from '../../../src/system/inside.ts';

describe('on Windows', () => {
  const FOLDER = 'C:\\Users\\Mei\\Videos\\Jimeng';

  it.each([
    'C:\\Users\\Mei\\Videos\\Jimeng\\boat.mp4',
    'c:\\users\\mei\\VIDEOS\\jimeng\\deep\\er\\boat.mp4',
    'C:/Users/Mei/Videos/Jimeng/boat.mp4',
    'C:\\Users\\Mei\\Videos\\Jimeng\\x\\..\\boat.mp4',
    'C:\\Users\\Mei\\Videos\\Jimeng\\..boat.mp4',
    'C:\\Users\\Mei\\Videos\\Jimeng\\...\\boat.mp4',
  ])('%s is inside', (place) => {
    expect(isInside(place, FOLDER, win32)).toBe(true);
    expect(isInside(place, `${FOLDER}\\`, win32)).toBe(true);
  });

  it.each([
    'C:\\Users\\Mei\\Videos\\Jimeng2\\boat.mp4',
    'C:\\Users\\Mei\\Videos\\boat.mp4',
    'C:\\Users\\Mei\\Videos\\Jimeng\\..\\boat.mp4',
    'D:\\Users\\Mei\\Videos\\Jimeng\\boat.mp4',
    '\\\\server\\share\\Users\\Mei\\Videos\\Jimeng\\boat.mp4',
    '\\\\?\\C:\\Users\\Mei\\Videos\\Jimeng\\boat.mp4',
    '\\\\.\\C:\\Users\\Mei\\Videos\\Jimeng\\boat.mp4',
  ])('%s is not inside', (place) => {
    expect(isInside(place, FOLDER, win32)).toBe(false);
    expect(isWithin(place, FOLDER, win32)).toBe(false);
  });

  it('a whole drive is a folder like any other, and no other drive is in it', () => {
    expect(isInside('D:\\boat.mp4', 'D:\\', win32)).toBe(true);
    expect(isInside('C:\\boat.mp4', 'D:\\', win32)).toBe(false);
  });

  it('a folder is within itself in every spelling, and not inside itself', () => {
    for (const same of [FOLDER, `${FOLDER}\\`, FOLDER.toLowerCase(), FOLDER.replaceAll('\\', '/')]) {
      expect([isWithin(same, FOLDER, win32), isInside(same, FOLDER, win32)]).toEqual([true, false]);
    }
  });
});

describe('elsewhere', () => {
  const FOLDER = '/home/mei/Videos/Jimeng';

  it.each([
    '/home/mei/Videos/Jimeng/boat.mp4',
    '/home/mei/Videos/Jimeng/..boat.mp4',
    '/home/mei/Videos/Jimeng/a\\b.mp4',
  ])('%s is inside', (place) => expect(isInside(place, FOLDER, posix)).toBe(true));

  it.each([
    '/home/mei/Videos/jimeng/boat.mp4',
    '/home/mei/Videos/Jimeng2/boat.mp4',
    '/home/mei/Videos/Jimeng/../boat.mp4',
    '/boat.mp4',
  ])('%s is not inside', (place) => expect(isWithin(place, FOLDER, posix)).toBe(false));
});
