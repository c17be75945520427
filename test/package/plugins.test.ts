/**
 * The plugins for Claude Code, Codex, Cursor and Gemini CLI keep the published rules of each. The rules below restate, in November
 * 2026: SchemaStore's claude-code-plugin-manifest.json and claude-code-marketplace.json; validate_plugin.py and
 * plugin-json-spec.md of openai/codex; schemas/plugin.schema.json of cursor/plugins; docs/extensions/reference.md of Gemini CLI.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { CLIENT_LIMITS } from '../../src/cli/setup-clients.ts';
import { TOOLS } from '../../src/mcp/tools.ts';
import { readSettings } from '../../src/settings.ts';
import { NAME, VERSION } from '../../src/version.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

const kebab = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
const semver = z.string().regex(/^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/);
const text = z.string().regex(/\S/);
const https = z.url({ protocol: /^https$/ });
const inPlugin = z
  .string()
  .regex(/^\.\/(?!.*\.\.)\S+$/)
  .refine((path) => existsSync(join(ROOT, path)), 'exists');
const facts = {
  name: kebab,
  version: semver,
  description: text,
  author: z.strictObject({ name: text }),
  homepage: https,
  repository: https,
  license: z.literal('MIT'),
  keywords: z.array(text),
};
const server = z.strictObject({ command: text, args: z.array(text), env: z.record(z.string(), z.string()) });

const claude = z.strictObject({
  ...facts,
  mcpServers: z.record(z.string(), server),
  userConfig: z.record(
    z.string().regex(/^[A-Za-z_]\w*$/),
    z.strictObject({
      type: z.enum(['string', 'number', 'boolean', 'directory', 'file']),
      title: text,
      description: text,
      sensitive: z.boolean(),
      required: z.boolean(),
    }),
  ),
});
const claudeMarketplace = z.strictObject({
  name: kebab,
  description: text,
  owner: z.strictObject({ name: text }),
  plugins: z.array(z.strictObject({ ...facts, source: z.literal('./'), category: text })).length(1),
});
const codex = z.strictObject({
  ...facts,
  skills: inPlugin,
  mcpServers: z.record(
    z.string(),
    z.strictObject({
      ...server.shape,
      env_vars: z.array(text),
      startup_timeout_sec: z.number().positive(),
      tool_timeout_sec: z.number().positive(),
    }),
  ),
  interface: z.strictObject({
    displayName: text,
    shortDescription: text,
    longDescription: text,
    developerName: text,
    category: text,
    capabilities: z.array(text),
    websiteURL: https,
    defaultPrompt: z.array(text.max(128)).max(3),
    logo: inPlugin,
    composerIcon: inPlugin,
  }),
});
const codexMarketplace = z.strictObject({
  name: kebab,
  interface: z.strictObject({ displayName: text }),
  plugins: z
    .array(
      z.strictObject({
        name: kebab,
        source: z.strictObject({ source: z.literal('url'), url: https, ref: z.literal(`v${VERSION}`) }),
        policy: z.strictObject({
          installation: z.enum(['NOT_AVAILABLE', 'AVAILABLE', 'INSTALLED_BY_DEFAULT']),
          authentication: z.enum(['ON_INSTALL', 'ON_USE']),
        }),
        category: text,
      }),
    )
    .length(1),
});
const cursor = z.strictObject({
  ...facts,
  displayName: text,
  logo: z.string().refine((path) => existsSync(join(ROOT, path)), 'exists'),
  category: text,
  skills: inPlugin,
  mcpServers: inPlugin,
});
const cursorServers = z.strictObject({ mcpServers: z.record(z.string(), server) });
const gemini = z.strictObject({
  name: kebab,
  version: semver,
  description: text,
  mcpServers: z.record(z.string(), z.strictObject({ ...server.shape, timeout: z.number().positive() })),
  settings: z.array(
    z.strictObject({
      name: text,
      description: text,
      envVar: z.string().regex(/^[A-Z_]+$/),
      sensitive: z.literal(true),
    }),
  ),
});

const FILES = {
  '.claude-plugin/plugin.json': claude,
  '.claude-plugin/marketplace.json': claudeMarketplace,
  '.codex-plugin/plugin.json': codex,
  '.agents/plugins/marketplace.json': codexMarketplace,
  '.cursor-plugin/plugin.json': cursor,
  '.cursor-plugin/mcp.json': cursorServers,
  'gemini-extension.json': gemini,
} as const satisfies Record<string, z.ZodType>;

/** The files that start the server. */
const STARTING = [
  '.claude-plugin/plugin.json',
  '.codex-plugin/plugin.json',
  '.cursor-plugin/mcp.json',
  'gemini-extension.json',
];

describe.each(Object.entries(FILES))('%s', (path, schema) => {
  it('is valid by the rules of its client', () => {
    expect(z.safeParse(schema, readJson(path)).error?.issues ?? []).toEqual([]);
  });

  it('has the version of the package, wherever it has one', () => {
    const { version, plugins } = readJson(path);
    for (const each of [version, ...(plugins ?? []).map((plugin: { version?: string }) => plugin.version)])
      expect([undefined, VERSION]).toContain(each);
  });
});

describe.each(STARTING)('the server of %s', (path) => {
  const [name, { command, args, env, env_vars: handedOn = [] }] = Object.entries(readJson(path).mcpServers)[0] as [
    string,
    { command: string; args: string[]; env: Record<string, string>; env_vars?: string[] },
  ];

  it('is started by npx in this version, under the name that the server gives', () => {
    expect([name, command, ...args]).toEqual([NAME, 'npx', '-y', `${NAME}@${VERSION}`]);
  });

  it('is given only variables that the program reads, and no key in plain text', () => {
    const asked = new Set<string>();
    const environment = new Proxy({}, { get: (_, variable) => void asked.add(String(variable)) });
    readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
    expect([...asked]).toEqual(expect.arrayContaining([...Object.keys(env), ...handedOn]));
    const keys = Object.entries(env).filter(([variable]) => variable.startsWith('VOLC_'));
    for (const [variable, value] of keys) expect(value, variable).toMatch(/^\$\{[\w.:]+\}$/);
  });

  it('starts with nothing filled in, as each client may hand that on: nothing is set', () => {
    const settings = (environment: Record<string, string>) =>
      readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
    const waits = Object.entries(env).filter(([, value]) => !value.startsWith('${'));
    const asPlaceholders = settings({ ...env });
    expect(asPlaceholders.problems).toEqual([]);
    expect(asPlaceholders.settings).toEqual(settings(Object.fromEntries(waits)).settings);
  });
});

it('Claude Code keeps both keys secret and asks for them, because it starts no server whose values are not set', () => {
  const { userConfig, mcpServers } = claude.parse(readJson('.claude-plugin/plugin.json'));
  const asked = Object.values(mcpServers).flatMap(({ env }) =>
    Object.values(env).flatMap((value) => /^\$\{user_config\.(\w+)\}$/.exec(value)?.[1] ?? []),
  );
  expect(asked).toEqual(Object.keys(userConfig));
  for (const option of Object.values(userConfig)) expect(option).toMatchObject({ sensitive: true, required: true });
});

it('the server waits less long than each client does', () => {
  const { mcpServers: ofCodex } = codex.parse(readJson('.codex-plugin/plugin.json'));
  const { mcpServers: ofGemini } = gemini.parse(readJson('gemini-extension.json'));
  expect(Number(ofCodex[NAME]?.env.JIMENG_VIDEO_WAIT_SECONDS)).toBeLessThan(ofCodex[NAME]?.tool_timeout_sec ?? 0);
  expect(Number(ofGemini[NAME]?.env.JIMENG_VIDEO_WAIT_SECONDS)).toBeLessThan((ofGemini[NAME]?.timeout ?? 0) / 1000);
  const { cline } = CLIENT_LIMITS;
  expect(cline.waitSeconds).toBeLessThan(cline.toolSeconds);
});

it('tool names stay under 64 characters with the longest prefix, of a Claude Code plugin', () => {
  const { name, mcpServers } = claude.parse(readJson('.claude-plugin/plugin.json'));
  const prefix = `mcp__plugin_${name}_${Object.keys(mcpServers)[0]}__`;
  for (const tool of TOOLS) expect(`${prefix}${tool.name}`.length).toBeLessThanOrEqual(64);
});

it('the repository of the plugins is the one that the Registry’s name proves', () => {
  const { mcpName, repository, homepage, bugs } = readJson('package.json');
  const address = `https://github.com/${mcpName.replace('io.github.', '')}`;
  expect([repository.url, homepage, bugs]).toEqual([`git+${address}.git`, `${address}#readme`, `${address}/issues`]);
  expect(readJson('.claude-plugin/plugin.json').repository).toBe(address);
});
