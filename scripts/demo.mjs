/** A real MCP client has the built server make one video in the sandbox: no account, nothing charged. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const PROMPT = 'A golden retriever running through a field of sunflowers, warm afternoon sunlight';

async function generate(stateFolder, outputFolder) {
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

/** For the person who ran the demo: the sandbox, and with it the link, has ended. */
function nextSteps(path) {
  return `
---
The demo is over. The link above worked only while the sandbox was running; the file stays where it is:
  ${path}

To set up your client, for the sandbox or for real videos:  npx node dist/main.js init

Real videos cost money, and need an access key from https://console.volcengine.com/iam/keymanage and 720P, 1080P or
Pro, opened under 即梦AI in the Volcengine console.
Free of charge, to check both:  VOLC_ACCESSKEY=… VOLC_SECRETKEY=… npx node dist/main.js doctor
README.md explains each step; README.zh-CN.md is the Chinese version. docs/ has the rest.
`;
}

// In a temporary folder that others can write to, a known name could be a link that somebody else has put there.
const outputFolder = await mkdtemp(join(tmpdir(), 'jimeng-demo-'));
// Its own state folder, so that a second demo makes a second video instead of joining the first.
const stateFolder = await mkdtemp(join(tmpdir(), 'jimeng-demo-state-'));
try {
  process.stdout.write('One call of generate_video over stdio, answered in the sandbox (no account, no charge):\n\n');
  const result = await generate(stateFolder, outputFolder);
  process.stdout.write(`${result.content[0]?.text}\n`);
  const { status, video } = result.structuredContent ?? {};
  if (!result.isError && status === 'done' && video?.path) {
    process.stdout.write(nextSteps(video.path));
  } else {
    process.stderr.write(`\nThe demo failed: no finished video was saved (status ${status}).\n`);
    process.exitCode = 1;
  }
} finally {
  await rm(stateFolder, { recursive: true, force: true });
}
