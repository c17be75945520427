/** The install links of the documents hold what `setup` writes, in the form that each client reads. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLIENTS, launchOn, type SetupClient } from '../../src/cli/setup-clients.ts';
import { NAME, VERSION } from '../../src/version.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const configOf = (client: 'claude-desktop' | 'vscode') => {
  const { config }: SetupClient = CLIENTS[client];
  return JSON.parse(config(launchOn('linux', undefined)));
};
const PLAIN = configOf('claude-desktop');
const SERVER = PLAIN.mcpServers[NAME];

function linkIn(path: string, beginning: string): URL {
  const [link] = read(path).match(new RegExp(`${beginning.replace(/[?/.]/g, '\\$&')}[^)\\s]+`)) ?? [];
  return new URL(link ?? expect.fail(`${path} has no link ${beginning}`));
}

const decoded = (text: string | null, encoding: 'base64' | 'base64url') =>
  JSON.parse(Buffer.from(text ?? '', encoding).toString());

describe.each(['README.md', 'README.zh-CN.md'])('%s', (path) => {
  it('installs in Cursor the entry of its mcp.json', () => {
    const { searchParams } = linkIn(path, 'https://cursor.com/install-mcp?');
    expect([searchParams.get('name'), decoded(searchParams.get('config'), 'base64')]).toEqual([NAME, SERVER]);
  });

  it('installs in VS Code the server and its questions for the keys', () => {
    const { searchParams } = linkIn(path, 'https://insiders.vscode.dev/redirect/mcp/install?');
    const { inputs, servers } = configOf('vscode');
    expect(searchParams.get('name')).toBe(NAME);
    expect(JSON.parse(searchParams.get('inputs') ?? '')).toEqual(inputs);
    expect(JSON.parse(searchParams.get('config') ?? '')).toEqual(servers[NAME]);
  });
});

describe.each(['docs/clients.md', 'docs/zh-CN/clients.md'])('%s', (path) => {
  it('installs in Cherry Studio the mcpServers object', () => {
    const { searchParams } = linkIn(path, 'cherrystudio://mcp/install?');
    expect(decoded(searchParams.get('servers'), 'base64')).toEqual(PLAIN);
  });

  it('installs in LobeHub a schema whose identifier is the id of the link', () => {
    const { searchParams } = linkIn(path, 'lobehub://plugin/install?');
    const schema = decoded(searchParams.get('schema'), 'base64url');
    expect([searchParams.get('type'), searchParams.get('id')]).toEqual(['mcp', schema.identifier]);
    expect(schema).toMatchObject({ name: NAME, version: VERSION, config: { type: 'stdio', ...SERVER } });
    for (const key of ['author', 'description']) expect(schema[key], key).toMatch(/\S/);
  });

  it('shows every client that `setup` knows', () => {
    for (const [id, { title }] of Object.entries(CLIENTS)) {
      expect(read(path)).toMatch(new RegExp(`^### ${title}\\n\\n\`jimeng-video-mcp setup ${id}\``, 'm'));
    }
  });
});

it('docs/demo.svg is small, moves, and loads and runs nothing', () => {
  const svg = read('docs/demo.svg');
  expect(Buffer.byteLength(svg)).toBeLessThan(300_000);
  expect(svg).toContain('@keyframes');
  expect(svg).toContain('prefers-reduced-motion');
  expect(svg).not.toMatch(/<script|<foreignObject|\bon\w+=|(?:href|src)="(?!data:image\/jpeg;base64,)|url\(|@import/);
  expect(svg).toContain('made in the sandbox');
  expect(svg).not.toMatch(/\/tmp\/|127\.0\.0\.1/);
});
