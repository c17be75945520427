/** The Claude Desktop bundle starts this server with what the user entered in its form. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/tools.ts';
import { readSettings } from '../../src/settings.ts';
import { NAME, VERSION } from '../../src/version.ts';

interface Option {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly sensitive?: boolean;
  readonly required?: boolean;
  readonly default?: string | number;
}

interface Manifest {
  readonly manifest_version: string;
  readonly name: string;
  readonly display_name: string;
  readonly version: string;
  readonly icon: string;
  readonly tools: readonly { readonly name: string; readonly description: string }[];
  readonly server: {
    readonly entry_point: string;
    readonly mcp_config: {
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    };
  };
  readonly user_config: Readonly<Record<string, Option>>;
}

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)));
const manifest = JSON.parse(read('manifest.json').toString()) as Manifest;
const { mcp_config: config, entry_point: entryPoint } = manifest.server;

function settingsWith(environment: Record<string, string>) {
  return readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
}

it('has the name and version that the server gives: with two names a client sends no calls', () => {
  expect([manifest.manifest_version, manifest.name, manifest.version]).toEqual(['0.3', NAME, VERSION]);
});

it('has a display name of plain letters: an ampersand removes the server', () => {
  expect(manifest.display_name).toMatch(/^[A-Za-z ]+$/);
});

it('lists the tools as the server does', () => {
  expect(manifest.tools).toEqual(TOOLS.map(({ name, description }) => ({ name, description })));
});

it('starts the file that the package starts', () => {
  const { bin } = JSON.parse(read('package.json').toString()) as { bin: Record<string, string> };
  expect(entryPoint).toBe(bin[NAME]);
  expect([config.command, ...config.args]).toEqual(['node', `\${__dirname}/${entryPoint}`]);
});

it('hands on every option that it asks for, and no other', () => {
  const handedOn = Object.values(config.env).map((value) => /^\$\{user_config\.(\w+)\}$/.exec(value)?.[1]);
  expect(handedOn).toEqual(Object.keys(manifest.user_config));
});

it('hands options on in variables that the settings read', () => {
  const known = new Set<string>();
  const environment = new Proxy({}, { get: (_, name) => void known.add(String(name)) });
  readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
  expect([...known]).toEqual(expect.arrayContaining(Object.keys(config.env)));
});

it('keeps the keys secret', () => {
  const secret = Object.entries(manifest.user_config).flatMap(([name, { sensitive }]) => (sensitive ? [name] : []));
  expect(secret).toEqual(['access_key', 'secret_key', 'session_token']);
});

it('starts with nothing filled in, in the two ways that clients hand that on', () => {
  const asPlaceholders = settingsWith({ ...config.env });
  const asEmpty = settingsWith(Object.fromEntries(Object.keys(config.env).map((name) => [name, ''])));
  expect(asPlaceholders.problems).toEqual([]);
  expect(asPlaceholders).toEqual(asEmpty);
  expect(asEmpty.settings.api).not.toBe('sandbox');
});

it('its defaults are the settings’ own', () => {
  const defaults = Object.entries(config.env).map(([name, value]) => {
    const option = manifest.user_config[value.slice('${user_config.'.length, -1)];
    return [name, String(option?.default ?? '')] as const;
  });
  expect({ ...settingsWith(Object.fromEntries(defaults)), given: [] }).toEqual(settingsWith({}));
});

it('has its icon: a PNG of 512 × 512', () => {
  const icon = read(manifest.icon);
  expect(icon.subarray(1, 4).toString()).toBe('PNG');
  expect([icon.readUInt32BE(16), icon.readUInt32BE(20)]).toEqual([512, 512]);
});
