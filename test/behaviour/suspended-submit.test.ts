/** A process that is suspended while the answer to its submit arrives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';

const ACCEPTED = '{"code":10000,"data":{"task_id":"7392616336519610409"},"message":"Success"}';
const TIMEOUT_SECONDS = 1;

async function startSubmit(url: string): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'suspended-submit-'));
  const outfile = join(folder, 'submit.cjs');
  const entryPoints = [fileURLToPath(new URL('../support/submit-program.ts', import.meta.url))];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
  const child = spawn(process.execPath, [outfile, url, String(TIMEOUT_SECONDS)]);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });
  return child;
}

test.skipIf(process.platform === 'win32')('reads the answer when it wakes, although its time is over', async () => {
  let child: ChildProcess | undefined;
  const suspended = Promise.withResolvers<void>();
  const server = createServer((message, response) => {
    message.resume().once('end', () => {
      child?.kill('SIGSTOP');
      response.end(ACCEPTED, () => suspended.resolve());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  child = await startSubmit(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const exited = new Promise((resolve) => child?.once('exit', resolve));
  await suspended.promise;
  await new Promise((resolve) => setTimeout(resolve, TIMEOUT_SECONDS * 1000 + 300));
  child.kill('SIGCONT');
  await exited;
  expect(output.trim()).toBe('accepted');
});
