/** Is a script what its file says, whatever was kept of it? V8 takes damaged code for good, and dies of it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runScript } from '../../src/start/kept-script.ts';

let folder: string;
let file: string;
let kept: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-'));
  file = join(folder, 'script.js');
  kept = join(folder, 'cache', 'of this program');
  writeScript('one');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const writeScript = (word: string) =>
  writeFileSync(
    file,
    `(function (module, require) { module.exports.say = () => '${word} on ' + typeof require('node:path').join; })`,
  );
const run = () => runScript<{ say(): string }>(file, kept);
const keptFile = () => join(kept, readdirSync(kept)[0] ?? 'nothing');

test('nothing is written before it is asked for', () => {
  expect(run().exports.say()).toBe('one on function');
  expect(readdirSync(folder)).toEqual(['script.js']);
});

test('what was kept is used by the next run, which writes it no more', () => {
  run().keep();
  const { ino } = statSync(keptFile());
  const again = run();
  expect(again.exports.say()).toBe('one on function');
  again.keep();
  expect(statSync(keptFile()).ino).toBe(ino);
  expect(statSync(keptFile()).mode & 0o777).toBe(0o600);
  expect(statSync(kept).mode & 0o777).toBe(0o700);
});

test('another script of the same length is not taken for the one that was kept', () => {
  run().keep();
  writeScript('two');
  const other = run();
  expect(other.exports.say()).toBe('two on function');
  const { ino } = statSync(keptFile());
  other.keep();
  expect(statSync(keptFile()).ino).not.toBe(ino);
  expect(run().exports.say()).toBe('two on function');
});

test('what lies beside the script is used before, and written no more', () => {
  run().keep();
  const name = readdirSync(kept)[0] ?? '';
  // Without the checksum: it came with the script.
  writeFileSync(join(folder, name), readFileSync(keptFile()).subarray(4));
  rmSync(kept, { recursive: true });
  const beside = run();
  expect(beside.exports.say()).toBe('one on function');
  beside.keep();
  expect(existsSync(kept)).toBe(false);
});

test('what lies beside the script and is for another one is passed over, for what was kept', () => {
  run().keep();
  const { ino } = statSync(keptFile());
  writeFileSync(join(folder, readdirSync(kept)[0] ?? ''), Buffer.alloc(1000));
  const again = run();
  expect(again.exports.say()).toBe('one on function');
  again.keep();
  expect(statSync(keptFile()).ino).toBe(ino);
});

test.each([
  ['cut', (code: Buffer) => code.subarray(0, code.length / 2)],
  ['empty', () => Buffer.alloc(0)],
  ['of three bytes', () => Buffer.from('abc')],
  ['changed in the middle', (code: Buffer) => code.fill(0xff, code.length / 2, code.length / 2 + 8)],
])('what was kept and is %s is not used', (_how, damage) => {
  run().keep();
  writeFileSync(keptFile(), damage(readFileSync(keptFile())));
  expect(run().exports.say()).toBe('one on function');
});

test('of other versions of Node two are left', () => {
  run().keep();
  const names = ['v18.0.0-x64.v8', 'v22.0.0-x64.v8', 'v24.0.0-x64.v8'];
  for (const name of names) writeFileSync(join(kept, name), '');
  writeScript('two');
  run().keep();
  expect(readdirSync(kept)).toHaveLength(3);
});

test('a place that cannot be written to is no error', () => {
  writeFileSync(join(folder, 'cache'), 'a file where a folder should be');
  const { exports, keep } = run();
  keep();
  expect(exports.say()).toBe('one on function');
});

test('the build leaves what its Node compiled beside the program, for this Node', () => {
  const dist = new URL('../../dist/', import.meta.url);
  const built = readdirSync(dist).filter((name) => name.endsWith('.v8'));
  expect(built).toEqual([`${process.version}-${process.versions.v8}-${process.arch}.v8`]);
  const filename = fileURLToPath(new URL('server.js', dist));
  const cachedData = readFileSync(new URL(built[0] ?? '', dist));
  expect(new Script(readFileSync(filename, 'latin1'), { filename, cachedData }).cachedDataRejected).toBe(false);
});
