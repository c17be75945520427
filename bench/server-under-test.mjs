/** Starts the built server against a sandbox in the bench's process, and reads its memory use. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { build } from 'esbuild';
import { importBundled } from './import-bundled.mjs';

const inProject = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const PROGRAM = inProject('dist/main.js');

/** @param path of a file of the product */
export async function importSource(path) {
  const { exports } = await importBundled(path);
  return exports;
}

/** A TypeScript program as one file that needs nothing beside it, as ours is built. */
export async function bundleProgram(path, outfile) {
  const output = { outfile, bundle: true, minify: true, platform: 'node', format: 'cjs', target: 'node22.13' };
  await build({ entryPoints: [inProject(path)], ...output });
}

export async function startSandbox(options = {}) {
  const sandbox = await importSource('test/support/sandbox.ts');
  return await sandbox.startSandbox({
    generationSeconds: 0.2,
    ...options,
  });
}

/** Everything that the program writes goes into `folder`. */
export function environmentIn(folder, sandbox) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
    JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
    JIMENG_VIDEO_POLL_INTERVAL: '0.1',
    VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
    VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
    LOG_LEVEL: 'warn',
  };
}

/** In a new temporary folder, which `close` removes. */
export async function startServer(sandbox) {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-bench-'));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM],
    env: environmentIn(folder, sandbox),
  });
  const client = new Client({ name: 'jimeng-bench', version: '1' });
  await client.connect(transport);
  return {
    folder,
    pid: transport.pid,
    call: (name, given) => client.callTool({ name, arguments: given }, undefined, { timeout: 600_000 }),
    async close() {
      await client.close();
      await rm(folder, { recursive: true });
    },
  };
}
