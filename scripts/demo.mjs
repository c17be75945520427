/** Shows what a client sees: a real MCP client requests one video of the built server, in the sandbox. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const PROMPT = 'A golden retriever running through a field of sunflowers, warm afternoon sunlight';
const outputFolder = join(tmpdir(), 'jimeng-demo');

async function generate(stateFolder) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [fileURLToPath(new URL('../dist/main.js', import.meta.url))],
    env: {
      JIMENG_VIDEO_API_URL: 'sandbox',
      JIMENG_VIDEO_POLL_INTERVAL: '0.5',
      JIMENG_VIDEO_STATE_DIR: stateFolder,
      JIMENG_VIDEO_OUTPUT_DIR: outputFolder,
      LOG_LEVEL: 'warn',
    },
  });
  const client = new Client({ name: 'jimeng-demo', version: '1.0.0' });
  await client.connect(transport);
  try {
    return await client.callTool({ name: 'generate_video', arguments: { prompt: PROMPT } });
  } finally {
    await client.close();
  }
}

// Its own state folder, so that a second demo makes a second video instead of joining the first.
const stateFolder = await mkdtemp(join(tmpdir(), 'jimeng-demo-state-'));
try {
  process.stdout.write('One call of generate_video over stdio, answered in the sandbox (no account, no charge):\n\n');
  const result = await generate(stateFolder);
  process.stdout.write(`${result.content[0]?.text}\n`);
  const { status, video } = result.structuredContent ?? {};
  if (result.isError || status !== 'done' || !video?.path) {
    process.stderr.write(`\nThe demo failed: no finished video was saved (status ${status}).\n`);
    process.exitCode = 1;
  }
} finally {
  await rm(stateFolder, { recursive: true, force: true });
}
