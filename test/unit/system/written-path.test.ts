/** Paths and URLs are understood as people and models write them. */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { existingReadings, type FileLookup, pathReadings, plainReading } from '../../../src/system/written-path.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'written-path-'));
});
afterAll(() => rm(folder, { recursive: true }));

const LOOKUP: FileLookup = {
  exists: (path) =>
    stat(path).then(
      () => true,
      () => false,
    ),
  names: (path) => readdir(path).catch(() => []),
};

const url = 'https://example.com/a%20b.png?x=1&y=(2)';
const path = '/pictures/a b.png';

test.each([
  ...['""', "''", '``', '“”', '„“', '‘’', '«»', '「」', '『』', '《》', '<>'].flatMap(([open, close]) => [
    [`${open}${url}${close}`, url],
    [`${open}${path}${close}`, path],
  ]),
  [`@${path}`, path],
  [`@${url}`, url],
  [`\`@${path}\``, path],
  [`![a dog](${path})`, path],
  [`[the dog](<${path}>)`, path],
  [`![a dog](${url} "title")`, url],
  [`[dog](${url}).`, url],
  [`\`\`\`\n${path}\n\`\`\``, path],
  [`"<${url}>"`, url],
  [`${url}.`, url],
  [`${url}).`, url],
  [`${url}）。`, url],
  [`${url}"`, url],
  ['https://example.com/a_(1).png', 'https://example.com/a_(1).png'],
  ['https://example.com/a.png?x=1&amp;y=2', 'https://example.com/a.png?x=1&y=2'],
  ['$HOME/a.png', '~/a.png'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the shell, as people paste it
  ['${HOME}/a.png', '~/a.png'],
  ['%USERPROFILE%\\a.png', '~\\a.png'],
])('%s', (written, expected) => {
  const { text, changes } = plainReading(` ${written}\n`);
  expect(text).toBe(expected);
  expect(changes.length > 0).toBe(written !== expected);
});

test.each([
  url,
  path,
  'C:\\pictures\\a.png',
  './[draft] (2).png',
  "/it's here/a.png",
  'data:image/png;base64,aGVsbG8=',
  'https://example.com/a?sig=b/c+d==',
])('%s is left as it is', (written) => {
  expect(plainReading(written)).toEqual({ text: written, changes: [] });
});

test('no text makes the reading endless or empty', () => {
  for (const text of ['', '"', '""', '<>', '@', '[]()', '``````', '"""""', '@@@', '``', `${'"'.repeat(999)}a`]) {
    expect(text.trim() === '' || plainReading(text).text !== '').toBe(true);
    expect(pathReadings(text).length).toBeGreaterThan(0);
  }
});

async function found(written: string, names: readonly string[]): Promise<string[]> {
  const place = await mkdtemp(join(folder, 'place-'));
  for (const name of names) {
    await mkdir(join(place, name, '..'), { recursive: true });
    await writeFile(join(place, name), '');
  }
  const readings = pathReadings(written).map(({ text, changes }) => ({ text: join(place, text), changes }));
  const existing = await existingReadings(readings, LOOKUP);
  return existing.map(({ text, changes }) => [text.slice(place.length + 1), ...changes].join(': '));
}

const LOOK = 'its spaces or accents were matched to those of the file';

test.each<readonly [claim: string, written: string, names: readonly string[], expected: readonly string[]]>([
  ['the text itself comes first', "'a'.png", ["'a'.png", 'a.png'], ["'a'.png"]],
  ['a name in quotes exists', '"a"', ['"a"', 'a'], ['"a"']],
  ['quotes', '"a.png"', ['a.png'], ['a.png: the quotes around it were removed']],
  ['escaped', 'a\\ \\(1\\).png', ['a (1).png'], ['a (1).png: its backslashes were read as escapes']],
  ['percent-encoded', 'a%20b.png', ['a b.png'], ['a b.png: it was percent-decoded']],
  ['U+202F', 'Shot at 3.04 PM.png', ['Shot at 3.04\u202fPM.png'], [`Shot at 3.04\u202fPM.png: ${LOOK}`]],
  ['U+00A0', 'a b.png', ['a\u00a0b.png'], [`a\u00a0b.png: ${LOOK}`]],
  ['composed for decomposed', 'caf\u00e9.png', ['cafe\u0301.png'], [`cafe\u0301.png: ${LOOK}`]],
  ['decomposed for composed', 'cafe\u0301.png', ['caf\u00e9.png'], [`caf\u00e9.png: ${LOOK}`]],
  [
    'in a folder, too',
    'mes\u00a0e\u0301te\u0301s/a b.png',
    ['mes été\u0073/a\u202fb.png'],
    [`mes étés/a\u202fb.png: ${LOOK}`],
  ],
  ['two that look alike', 'a b.png', ['a\u00a0b.png', 'a\u202fb.png'], []],
  [
    'two readings',
    '"a%20b.png"',
    ['a b.png', 'a%20b.png'],
    [
      'a%20b.png: the quotes around it were removed',
      'a b.png: the quotes around it were removed: it was percent-decoded',
    ],
  ],
  ['nothing', '"a.png"', ['b.png'], []],
])('file: %s', async (_claim, written, names, expected) => {
  expect(await found(written, names)).toEqual(expected);
});
