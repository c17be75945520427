/** How does a bench speak to the built server, against a sandbox in the bench's own process, and see what memory it takes? */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { build } from 'esbuild';

const inProject = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The sources are TypeScript, which Node 20 does not read: bundled into a folder inside the project, where imports are found. */
export async function importSource(path) {
  const folder = await mkdtemp(inProject('node_modules/.bench-'));
  try {
    const outfile = join(folder, 'source.mjs');
    await build({
      entryPoints: [inProject(path)],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function startSandbox(options = {}) {
  const sandbox = await importSource('src/sandbox/sandbox.ts');
  return await sandbox.startSandbox({
    generationSeconds: 0.2,
    clipsFolder: inProject('assets/sandbox-clips'),
    ...options,
  });
}

/** Everything it writes goes into a new temporary folder, which `close` removes. */
export async function startServer(sandbox) {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-bench-'));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [inProject('dist/main.js')],
    env: {
      JIMENG_VIDEO_API_URL: sandbox.url,
      JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
      JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
      JIMENG_VIDEO_POLL_INTERVAL: '0.1',
      VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
      VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
      LOG_LEVEL: 'warn',
    },
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

async function statusBytes(pid, name) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
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

export const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export function printTable(heads, rows) {
  const lines = [heads, heads.map(() => '---'), ...rows];
  process.stdout.write(`${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}
