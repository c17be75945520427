/**
 * Runs the measurements: `npm run bench` all, `npm run bench NAME…` some. What each
 * prints replaces its part of bench/README.md, with the machine and the date; exit code 1 where a target is not met.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

/** In the order they run: bench/NAME.mjs each. */
const NAMES = [
  'start',
  'peers',
  'get',
  'signing',
  'image',
  'shrink',
  'download',
  'join',
  'paid-call',
  'walk',
  'polling',
  'many-tasks',
  'gallery',
  'store',
  'serve',
  'takeover',
];

const README = new URL('README.md', import.meta.url);
const pathOf = (name) => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));

/** @returns what it printed, and whether it ended with 0 */
async function run(name) {
  const child = spawn(process.execPath, [pathOf(name)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
    process.stdout.write(text);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { printed, isMet: code === 0 };
}

function machine() {
  const cores = cpus();
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${cores[0]?.model ?? 'unknown CPU'}, ${cores.length} cores, Node ${process.versions.node}`;
}

/** Only what lies between the marks of this program is replaced; where there are none, nothing is. */
async function refresh(name, printed) {
  const text = await readFile(README, 'utf8');
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) return process.stderr.write(`bench/README.md has no marks ${begin} … ${end}\n`);
  const part = `${begin}\n${machine()}:\n\n${printed.trim()}\n`;
  await writeFile(README, text.slice(0, from) + part + text.slice(to));
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No such measurement: ${unknown.join(', ')}; there are ${NAMES.join(', ')}\n`);
  process.exit(2);
}

const failed = [];
const startedAt = performance.now();
for (const name of asked.length > 0 ? asked : NAMES) {
  process.stdout.write(`\n## ${name}\n\n`);
  const { printed, isMet } = existsSync(pathOf(name)) ? await run(name) : { printed: '', isMet: false };
  if (!isMet) failed.push(name);
  if (printed !== '') await refresh(name, printed);
  else process.stdout.write('printed nothing\n');
}
process.stdout.write(`\n${Math.round((performance.now() - startedAt) / 1000)} s. `);
process.stdout.write(failed.length === 0 ? 'All targets met.\n' : `Not met: ${failed.join(', ')}.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
