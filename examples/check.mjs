/**
 * Runs every example in the sandbox, with models whose calls are written here: `npm ci`, install the packed server
 * (`npm install --no-save ../jimeng-video-mcp-*.tgz`), then `node check.mjs`. No account, no charge.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fakeModel } from '@langchain/core/testing';
import { setTracingDisabled } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import { MockLanguageModelV4 } from 'ai/test';
import { parse } from 'yaml';
import { openStage } from '../test/clients/stage.mjs';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const read = (path) => readFileSync(join(HERE, path), 'utf8');

/** What a model does with the wish: it begins the video, asks for it until it is there, and answers. */
const callsFor = (prompt) => [
  ['generate_video', { prompt, wait_seconds: 0 }],
  ['get_video_task', { wait_seconds: 60 }],
];
const ANSWER = 'It is saved.';

/** Each returns what its caller, or its model, was shown last; or why no video was made. */
const CHECKS = {
  async 'typescript-sdk.ts'() {
    const { makeVideo } = await import('./typescript-sdk.ts');
    const report = await makeVideo('With the SDK');
    return `${report.status} ${report.video?.path}`;
  },
  async 'vercel-ai.ts'() {
    const { makeVideo } = await import('./vercel-ai.ts');
    const usage = { inputTokens: { total: 0 }, outputTokens: { total: 0 } };
    const turns = callsFor('With the Vercel AI SDK').map(([toolName, input], index) => ({
      content: [{ type: 'tool-call', toolCallId: `call-${index}`, toolName, input: JSON.stringify(input) }],
      finishReason: { unified: 'tool-calls' },
      usage,
      warnings: [],
    }));
    const last = { content: [{ type: 'text', text: ANSWER }], finishReason: { unified: 'stop' }, usage, warnings: [] };
    const model = new MockLanguageModelV4({ doGenerate: [...turns, last] });
    assert.equal(await makeVideo(model, 'Make it.'), ANSWER);
    return JSON.stringify(model.doGenerateCalls.at(-1).prompt.at(-1));
  },
  async 'langchain.ts'() {
    const { makeVideo } = await import('./langchain.ts');
    let seen = '';
    const model = fakeModel();
    for (const [name, args] of callsFor('With LangChain')) model.respondWithTools([{ name, args }]);
    const { AIMessage } = await import('@langchain/core/messages');
    model.respond((messages) => {
      seen = JSON.stringify(messages.at(-1).content);
      return new AIMessage(ANSWER);
    });
    assert.equal(await makeVideo(model, 'Make it.'), ANSWER);
    return seen;
  },
  async 'openai-agents.ts'() {
    const { makeVideo } = await import('./openai-agents.ts');
    setTracingDisabled(true);
    const turns = callsFor('With the OpenAI Agents SDK').map(([name, input], index) => [
      functionCall(name, input, { callId: `call-${index}` }),
    ]);
    const model = new ScriptedModel([...turns, [assistantMessage(ANSWER)]]);
    assert.equal(await makeVideo(model, 'Make it.'), ANSWER);
    return JSON.stringify(model.lastCall.request.input.at(-1));
  },
  async 'http/person.ts'() {
    const { makeVideo } = await import('./http/person.ts');
    process.env.JIMENG_VIDEO_TOKENS = join(stage.folder, 'tokens.yaml');
    const tokenOf = async (name) =>
      (await run('npx', ['-y', 'jimeng-video-mcp', 'serve', 'token', 'add', name])).stdout.trim();
    const people = { mei: await tokenOf('mei'), li: await tokenOf('li') };
    const server = await startServer();
    try {
      const made = Object.entries(people).map(([name, token]) => makeVideo(server.url, token, `Over HTTP, of ${name}`));
      const results = await Promise.all(made);
      const seen = results.map(([, prompts]) => prompts);
      assert.deepEqual(seen, [['Over HTTP, of mei'], ['Over HTTP, of li']]);
      await assert.rejects(makeVideo(server.url, 'not-a-token', 'Nobody'));
      return results.map(([report]) => JSON.stringify(report)).join('\n');
    } finally {
      await server.stop();
      delete process.env.JIMENG_VIDEO_TOKENS;
    }
  },
  async 'python/client.py'() {
    const python = process.env.EXAMPLES_PYTHON ?? 'python3';
    const works = (...args) =>
      run(python, args).then(
        () => true,
        () => false,
      );
    if (!(await works('--version'))) return 'Python is not installed, so that it was not checked';
    await run(python, ['-m', 'py_compile', 'python/client.py']);
    if (!(await works('-c', 'from mcp import Client')))
      return 'only its syntax was checked: the package mcp is not installed';
    const { stdout } = await run(python, ['python/client.py', 'With Python'], { env: process.env });
    return `done ${stdout}`;
  },
  async 'n8n/workflow.json'() {
    const { nodes, connections } = JSON.parse(read('n8n/workflow.json'));
    for (const name of Object.keys(connections)) assert(nodes.some((node) => node.name === name));
    const parametersOf = (type) => nodes.find((node) => node.type === `n8n-nodes-base.${type}`).parameters;
    const { stdout } = await run('/bin/sh', ['-c', parametersOf('executeCommand').command]);
    const { json } = new Function('$json', parametersOf('code').jsCode)({ stdout });
    assert.equal(json.cost, 1.4);
    return `${json.status} ${json.path}`;
  },
  async 'github-actions/videos.yml'() {
    const { jobs } = parse(read('github-actions/videos.yml'));
    const steps = jobs.videos.steps.filter((step) => step.run !== undefined);
    let printed = '';
    for (const step of steps) {
      const env = { ...process.env, PROMPTS: 'With GitHub Actions, one\nWith GitHub Actions, two' };
      // As GitHub's runner starts a step.
      const { stdout } = await run('bash', ['-e', '-o', 'pipefail', '-c', step.run], { env });
      printed += stdout;
    }
    const { stdout } = await run('npx', ['-y', 'jimeng-video-mcp', 'list', '--limit', '2', '--json']);
    const { tasks } = JSON.parse(stdout);
    assert.deepEqual(
      tasks.map(({ status, prompt }) => [status, prompt]),
      [
        ['done', 'With GitHub Actions, two'],
        ['done', 'With GitHub Actions, one'],
      ],
    );
    assert(existsSync(tasks[0].path));
    return `done ${printed} ${tasks[0].path}`;
  },
};

/** @returns the server's address, once it listens */
async function startServer() {
  const server = spawn('npx', ['-y', 'jimeng-video-mcp', 'serve', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // npx starts a shell, which starts the server: all of them end together.
    detached: true,
  });
  let printed = '';
  const url = await new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error(printed)));
    server.stderr.setEncoding('utf8').on('data', (text) => {
      printed += text;
      const [, address] = /listening on (\S+)/.exec(printed) ?? [];
      if (address !== undefined) resolve(new URL('/mcp', address).href);
    });
  });
  const stop = async () => {
    const ended = once(server, 'exit');
    process.kill(-server.pid, 'SIGTERM');
    await ended;
  };
  return { url, stop };
}

assert(existsSync(join(HERE, 'node_modules/jimeng-video-mcp/dist/main.js')), 'install the packed server first');
process.chdir(HERE);
const stage = await openStage();
Object.assign(process.env, stage.environment);
try {
  for (const [name, check] of Object.entries(CHECKS)) {
    const result = await check();
    if (/ checked\b/.test(result)) {
      process.stdout.write(`${name}: ${result}\n`);
      continue;
    }
    assert.match(result, /\bdone\b|Generated Video/, name);
    assert.match(result, /\.mp4/, name);
    process.stdout.write(`${name}: a video was made\n`);
  }
  // Each of them paid once.
  const submits = stage.countSubmits('With the SDK');
  assert.equal(submits, 1);
} finally {
  await stage.close();
}
