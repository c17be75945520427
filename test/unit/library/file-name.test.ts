/** The names of finished videos are readable and safe everywhere. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileNameFor, numberedName } from '../../../src/library/file-name.ts';

const AT = new Date(2026, 10, 22, 9, 5);

function nameOf(prompt: string, taskId = '7q2m5'): string {
  return fileNameFor(prompt, taskId, AT);
}

describe('a name', () => {
  test.each([
    ['A golden retriever running', '2026-11-22 A golden retriever running 7q2m5.mp4'],
    ['千军万马，奔腾而来。', '2026-11-22 千军万马，奔腾而来。 7q2m5.mp4'],
    ['a/b\\c:d*e?f"g<h>i|j', '2026-11-22 a b c d e f g h i j 7q2m5.mp4'],
    ['../../etc/passwd', '2026-11-22 .. .. etc passwd 7q2m5.mp4'],
    ['two\nlines\tand\u0000more', '2026-11-22 two lines and more 7q2m5.mp4'],
    ['cafe\u0301', '2026-11-22 caf\u00e9 7q2m5.mp4'],
    ['ends with dots... ', '2026-11-22 ends with dots 7q2m5.mp4'],
    ['\u202egpj.exe\u200b', '2026-11-22 gpj.exe 7q2m5.mp4'],
    ['👨‍👩‍👧 🏳️‍🌈', '2026-11-22 👨‍👩‍👧 🏳️‍🌈 7q2m5.mp4'],
    ['lone \ud83d surrogate', '2026-11-22 lone surrogate 7q2m5.mp4'],
    ['', '2026-11-22 video 7q2m5.mp4'],
    ['???', '2026-11-22 video 7q2m5.mp4'],
  ])('of %j is %j', (prompt, expected) => expect(nameOf(prompt)).toBe(expected));

  test('has the end of a long task id, and nothing of it that is no letter or digit', () => {
    expect(nameOf('x', '7392616336519610409')).toBe('2026-11-22 x 610409.mp4');
    expect(nameOf('x', '../a/b')).toBe('2026-11-22 x ab.mp4');
  });

  test('of a long prompt is cut between words, or between graphemes where there are none', () => {
    expect(nameOf('word '.repeat(100))).toMatch(/^2026-11-22 (word )*word… 7q2m5\.mp4$/);
    expect(nameOf('马'.repeat(800))).toBe(`2026-11-22 ${'马'.repeat(32)}… 7q2m5.mp4`);
    const family = '👨‍👩‍👧';
    expect(nameOf(family.repeat(30))).toBe(`2026-11-22 ${family.repeat(5)}… 7q2m5.mp4`);
  });

  test('of any prompt is under 143 bytes, whole in Unicode, and plain in every file system', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 800 }), fc.string({ unit: 'binary' }), (prompt, taskId) => {
        const name = nameOf(prompt, taskId);
        expect(Buffer.byteLength(name)).toBeLessThan(143);
        expect(Buffer.from(name).toString()).toBe(name);
        expect(name.normalize('NFC')).toBe(name);
        expect(name).not.toMatch(/[\p{Cc}<>:"/\\|?*]/u);
        expect(name).toMatch(/^2026-11-22 \S.*\.mp4$/u);
      }),
    );
    expect(Buffer.byteLength(nameOf(`a${'\u0301'.repeat(800)}`))).toBeLessThan(143);
  });
});

test('a number goes before the extension', () => {
  expect(numberedName('clip.mp4', 1)).toBe('clip.mp4');
  expect(numberedName('clip.v2.MP4', 3)).toBe('clip.v2 (3).MP4');
});
