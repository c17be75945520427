/** What does a process of the lease tests do? It takes leases and writes files as it is told, a line at a time. */
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/clock.ts';
import { createExclusively, writeDurably } from '../../src/tasks/durable-file.ts';
import { tryLease, waitForLease } from '../../src/tasks/lease.ts';
import { ownIdentity } from '../../src/tasks/process-identity.ts';

const owner = ownIdentity();

/** Adds one to the number in a file, `rounds` times, under the lease; tells whether anybody else was ever inside. */
async function count(path: string, counter: string, rounds: number): Promise<string> {
  for (let round = 0; round < rounds; round++) {
    const lease = await waitForLease(path, owner, systemClock, 45_000);
    try {
      const inside = await open(`${counter}.inside`, 'wx').catch(() => undefined);
      if (inside === undefined) return 'overlap';
      await writeFile(counter, String(Number(await readFile(counter, 'utf8')) + 1));
      await inside.close();
      await rm(`${counter}.inside`);
    } finally {
      await lease.release();
    }
  }
  return 'counted';
}

async function answer([order, path = '', ...rest]: readonly string[]): Promise<string> {
  if (order === 'take') return (await tryLease(path, owner)) === undefined ? 'refused' : 'taken';
  if (order === 'count') return await count(path, rest[0] ?? '', Number(rest[1]));
  if (order === 'write') return await writeDurably(path, 'new').then(() => 'written', codeOf);
  if (order === 'create') return await createExclusively(path, 'new').then(String, codeOf);
  return 'identity' === order ? JSON.stringify(owner) : `no such order: ${order}`;
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await answer(line.split(' '))}\n`);
}
