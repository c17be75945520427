/**
 * Makes the Claude Desktop bundle: copies its files into an empty folder, and lets the published mcpb check and pack that
 * folder. Writes the Registry's listing with the bundle's hash beside it. Build first.
 *
 * For tests: --stage FOLDER only copies; --list BUNDLE.mcpb only prints the listing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withBundle } from './listings.mjs';

const MCPB = '@anthropic-ai/mcpb@2.1.2';
/** All that a bundle holds. */
const PARTS = ['manifest.json', 'icon.png', 'LICENSE', 'mcpb-resources', 'dist'];

const root = fileURLToPath(new URL('..', import.meta.url));
const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** @param folder empty or missing */
function stage(folder) {
  for (const part of PARTS) cpSync(join(root, part), join(folder, part), { recursive: true });
  const strays = readdirSync(folder).filter((name) => !PARTS.includes(name));
  if (strays.length > 0) throw new Error(`${folder} is not empty: ${strays.join(', ')}`);
}

function listingOf(bundle) {
  const sha256 = createHash('sha256').update(readFileSync(bundle)).digest('hex');
  return `${JSON.stringify(withBundle(readJson('server.json'), basename(bundle), sha256), null, 2)}\n`;
}

function mcpb(...parameters) {
  // npx is a script on Windows, and starts there only in a shell.
  const options = { stdio: 'inherit', shell: process.platform === 'win32' };
  execFileSync('npx', ['-y', MCPB, ...parameters], options);
}

function pack() {
  const { name, version } = readJson('package.json');
  const bundle = join(root, `${name}-${version}.mcpb`);
  const folder = mkdtempSync(join(tmpdir(), 'jimeng-bundle-'));
  try {
    stage(folder);
    mcpb('validate', join(folder, 'manifest.json'));
    mcpb('pack', folder, bundle);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const listing = bundle.replace(/mcpb$/, 'server.json');
  writeFileSync(listing, listingOf(bundle));
  process.stdout.write(`\n${basename(bundle)}: ${statSync(bundle).size} bytes\n${basename(listing)}: its listing\n`);
}

const { values } = parseArgs({ options: { stage: { type: 'string' }, list: { type: 'string' } } });
if (values.stage !== undefined) stage(values.stage);
else if (values.list !== undefined) process.stdout.write(listingOf(values.list));
else pack();
