/** Measures two sides in turn, and reports whether a target is met. */
import { readFile, writeFile } from 'node:fs/promises';

export const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
export const milliseconds = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs every side once a round, each round beginning with the next side: what else the machine does meanwhile falls on
 * all of them alike.
 * @param sides name → an async function that gives one round's figures, an object of numbers
 * @returns name → figure → its values, one a round
 */
export async function interleave(sides, rounds) {
  const names = Object.keys(sides);
  const values = Object.fromEntries(names.map((name) => [name, {}]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      for (const [figure, value] of Object.entries(await sides[name]())) {
        values[name][figure] ??= [];
        values[name][figure].push(value);
      }
    }
  }
  return values;
}

/** Exit code 1 where the target is not met. */
export function verdict(isMet) {
  if (!isMet) process.exitCode = 1;
  return isMet ? 'met' : '**not met**';
}

export function printTable(heads, rows) {
  const lines = [heads, heads.map(() => '---'), ...rows];
  process.stdout.write(`${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}

async function statusBytes(pid, name) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

/** What the process has in memory now (Linux). */
export async function residentBytes(pid) {
  return await statusBytes(pid, 'VmRSS');
}

/** @returns the resident bytes before `work`, and the most there were during it (Linux) */
export async function watchMemory(pid, work) {
  const before = await statusBytes(pid, 'VmRSS');
  // 5 sets the peak back to what is there now.
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  return { result, seconds, before, peak: await statusBytes(pid, 'VmHWM') };
}
