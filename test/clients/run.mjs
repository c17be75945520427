/** Runs each client in turn, prints what was observed as a table, and compares it with README.md beside this file. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const EACH = [
  { client: 'MCP SDK v1 client', installed: '@modelcontextprotocol/sdk', script: ['sdk-v1.mjs'] },
  { client: 'MCP SDK v2 client', installed: '@modelcontextprotocol/client', script: ['client-v2.mjs'] },
  { client: 'MCP SDK v2 client, `auto`', installed: '@modelcontextprotocol/client', script: ['client-v2.mjs', 'auto'] },
  { client: 'LangChain adapters', installed: '@langchain/mcp-adapters', script: ['langchain.mjs'] },
  { client: 'OpenAI Agents', installed: '@openai/agents', script: ['openai-agents.mjs'] },
  { client: 'Inspector `--cli`', installed: '@modelcontextprotocol/inspector', script: ['inspector.mjs'] },
];
/** Each over stdio, and over HTTP with a bearer token. */
const CLIENTS = ['', 'http'].flatMap((transport) =>
  EACH.map(({ client, script, installed }) => ({
    client,
    installed,
    script: transport === '' ? script : [...script, transport],
    over: transport === '' ? '' : ', over HTTP',
  })),
);
/** The columns of README.md, by claim. Resources and prompts are printed only. */
const COLUMNS = ['tools', 'video', 'wrong input', 'unknown tool', 'time-out', 'model sees', 'progress'];
/** Of one client; it takes about 8 s, the Inspector 15 s, because each of its calls starts a server. */
const MOST_CLIENT_SECONDS = 90;
const MOST_SECONDS = 900;
const GRACE_SECONDS = 1;

const endAt = performance.now() + MOST_SECONDS * 1000;
const print = (line) => process.stdout.write(`${line}\n`);
const inThisFolder = (path) => new URL(path, import.meta.url);

/** Runs one client in a process group of its own, and leaves nothing of it behind. */
async function tryOne([script, ...options]) {
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-clients-'));
  const child = spawn(process.execPath, [script, ...options], {
    cwd: inThisFolder('.'),
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  const milliseconds = Math.min(MOST_CLIENT_SECONDS * 1000, endAt - performance.now());
  const timers = [
    setTimeout(() => kill('SIGTERM'), milliseconds),
    setTimeout(() => kill('SIGKILL'), milliseconds + GRACE_SECONDS * 1000),
  ];
  const printed = await text(child.stdout);
  for (const timer of timers) clearTimeout(timer);
  kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    return JSON.parse(printed);
  } catch {
    return [{ claim: 'all', failure: `ended without a result after at most ${Math.round(milliseconds / 1000)} s` }];
  }
}

const row = (cells) => `| ${cells.join(' | ')} |`;

async function main() {
  const readme = await readFile(inThisFolder('README.md'), 'utf8');
  const failures = [];
  let passed = 0;
  print(row(['Client', ...COLUMNS, 'resources, prompts', 'seconds']));
  for (const { client, installed, script, over } of CLIENTS) {
    const { version } = JSON.parse(await readFile(inThisFolder(`node_modules/${installed}/package.json`), 'utf8'));
    const startedAt = performance.now();
    const results = await tryOne(script);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const seen = Object.fromEntries(results.map((result) => [result.claim, result.seen]));
    const cells = [`${client} ${version}${over}`, ...COLUMNS.map((claim) => seen[claim] ?? 'not seen')];
    print(row([...cells, seen.extras ?? 'not seen', seconds]));
    if (!readme.includes(`\n${row(cells)}\n`)) {
      results.push({ claim: 'README.md', failure: `has no row: ${row(cells)}` });
    }
    failures.push(...results.filter(({ failure }) => failure).map((result) => ({ client: client + over, ...result })));
    passed += results.filter(({ failure }) => !failure).length;
  }
  for (const { client, claim, failure } of failures) print(`\nfailed: ${client}, ${claim}: ${failure}`);
  print(`\n${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

await main();
