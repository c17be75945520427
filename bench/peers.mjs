/**
 * Start, memory and tools/list of the built program, compared with five other MCP servers.
 * Every side, ours too: spawned by its entry file with the same Node, a made-up key, an empty home, asked initialize and
 * tools/list by the same client; the others in exact versions as npm installs them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedPackage } from './installed-package.mjs';
import { interleave, median, megabytes, milliseconds, printTable, verdict } from './measure.mjs';
import { BARE_PROGRAM, measureStart } from './plain-client.mjs';

const ROUNDS = 7;

const scratch = await mkdtemp(join(tmpdir(), 'jimeng-bench-peers-'));
const KEY = 'bench-made-up-key';
const PEERS = [
  { name: 'minimax-mcp-js', version: '0.0.18', env: { MINIMAX_API_KEY: KEY, MINIMAX_MCP_BASE_PATH: scratch } },
  { name: 'replicate-mcp', version: '0.9.0', env: { REPLICATE_API_TOKEN: KEY } },
  { name: 'heygen-mcp-server', version: '1.1.0', env: { HEYGEN_API_KEY: KEY } },
  { name: '@modelcontextprotocol/server-filesystem', version: '2026.8.31', args: [scratch] },
  { name: '@modelcontextprotocol/server-everything', version: '2026.8.31' },
];

const environment = (more = {}) => ({ PATH: process.env.PATH, HOME: scratch, TMPDIR: scratch, ...more });
const measure = (args, env) => measureStart(process.execPath, args, { env: environment(env), cwd: scratch });

/** @returns the arguments that start it, once it has answered; the reason where it does not */
async function prepare({ name, version, env, args = [] }) {
  try {
    const { folder, manifest } = await installedPackage(name, version);
    const bin = typeof manifest.bin === 'string' ? manifest.bin : Object.values(manifest.bin ?? {})[0];
    const command = [join(folder, bin), ...args];
    await measure(command, env);
    return { command };
  } catch (error) {
    return { reason: error.message };
  }
}

try {
  const keys = { VOLC_ACCESSKEY: KEY, VOLC_SECRETKEY: KEY, JIMENG_VIDEO_STATE_DIR: join(scratch, 'state') };
  const ours = [fileURLToPath(new URL('../dist/main.js', import.meta.url))];
  await measure(ours, keys);
  await measure(BARE_PROGRAM);
  const sides = { bare: () => measure(BARE_PROGRAM), ours: () => measure(ours, keys) };
  const reasons = {};
  for (const peer of PEERS) {
    const { command, reason } = await prepare(peer);
    if (command === undefined) reasons[peer.name] = reason;
    else sides[peer.name] = () => measure(command, peer.env);
  }
  const values = await interleave(sides, ROUNDS);
  const of = (side) => ({
    start: median(values[side].startMilliseconds),
    rss: median(values[side].rssBytes),
    list: median(values[side].listBytes),
  });
  const own = of('ours');
  const cells = (side) => {
    const { start, rss, list } = of(side);
    return [`${milliseconds(start)} ms`, `${megabytes(rss)} MB`, `${list} bytes`];
  };
  const rows = PEERS.map(({ name, version }) => {
    if (reasons[name] !== undefined)
      return [`${name} ${version}`, '–', '–', '–', `not measured: ${oneLine(reasons[name])}`];
    const { start, rss } = of(name);
    return [`${name} ${version}`, ...cells(name), verdict(own.start < start && own.rss < rss)];
  });
  printTable(
    ['Server', 'spawn → initialize', 'RSS after tools/list', 'tools/list', 'We are ahead (start and RSS)'],
    [['ours', ...cells('ours'), ''], ...rows, ['bare Node', ...cells('bare').slice(0, 2), '–', '']],
  );
  if (Object.keys(reasons).length > 0) process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

function oneLine(text) {
  return text.replace(/[\s|]+/g, ' ').slice(0, 160);
}
