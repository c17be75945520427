/** The protocol's own conformance suite against the server over HTTP: the scenarios that need no tools made for the suite. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { openStage, serveOpen } from './stage.mjs';

/** The others call tools, resources and prompts that only a server made for the suite has, or need sessions. */
const SCENARIOS = [
  ...['server-initialize', 'ping', 'tools-list', 'resources-list', 'prompts-list', 'completion-complete'],
  'dns-rebinding-protection',
];
const SUITE = fileURLToPath(new URL('node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url));

const stage = await openStage();
// The suite sends no token.
const server = await serveOpen(stage.environment);
let failed = 0;
for (const scenario of SCENARIOS) {
  const args = [SUITE, 'server', '--url', server.url, '--scenario', scenario];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = await text(child.stdout);
  const [, passed, all, failures] = /Passed: (\d+)\/(\d+), (\d+) failed/.exec(printed) ?? [];
  const isRight = Number(all) > 0 && passed === all && failures === '0';
  if (!isRight) failed += 1;
  process.stdout.write(`${scenario}: ${isRight ? `${passed} of ${all}` : `failed\n${printed}`}\n`);
}
await server.end();
await stage.close();
process.stdout.write(`\n${SCENARIOS.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
