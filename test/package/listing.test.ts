/** The listings, the manifest and the program agree about the package, each in its own format. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/tools.ts';
import { NAME, VERSION } from '../../src/version.ts';
import { runCommand } from '../support/run-command.ts';
import type { Manifest } from './unpacked-bundle.ts';

interface Listing {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly packages: readonly {
    readonly registryType: string;
    readonly identifier: string;
    readonly version: string;
    readonly fileSha256?: string;
    readonly environmentVariables?: readonly { readonly name: string; readonly isSecret: boolean }[];
  }[];
}

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const readText = (path: string) => readFileSync(pathOf(path), 'utf8');
const packageJson = JSON.parse(readText('package.json'));
const manifest = JSON.parse(readText('manifest.json')) as Manifest;
const listing = JSON.parse(readText('server.json')) as Listing;

/** What is wrong with it, by the published schema. */
function faultsOf(given: unknown): string[] {
  // Not strict: the schema has "example", which the specification of JSON Schema does not know.
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(JSON.parse(readText('test/package/server.schema.json')));
  validate(given);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

describe('the Registry’s listing', () => {
  it('is valid against the schema as it was published', () => {
    // Of 2025-12-11 (sha256 3fba0959…4de0), but for the examples of package registries in registryBaseUrl.
    const published = '961367942c3b30194be0b55ce0ed6af8a9594aaff07480f9cbdae88ca5695a97';
    const kept = createHash('sha256').update(readText('test/package/server.schema.json')).digest('hex');
    expect(kept).toBe(published);
    expect(faultsOf(listing)).toEqual([]);
    const broken = { ...listing, name: 'no namespace', packages: [{ ...listing.packages[0], version: 'latest' }] };
    expect(faultsOf(broken)).toEqual([
      '/name must match pattern "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$"',
      '/packages/0/version must NOT be valid',
    ]);
  });

  it('has the name by which npm and the Registry prove the owner', () => {
    expect(packageJson.mcpName).toBe(listing.name);
    expect(listing.name).toMatch(/^io\.github\.[\w-]+\/[\w.-]+$/);
    expect(listing.packages.map(({ registryType, identifier }) => [registryType, identifier])).toEqual([['npm', NAME]]);
  });

  it('asks for what the bundle asks for, and keeps the same secret', () => {
    const secret = Object.values(manifest.user_config).map(({ sensitive }) => sensitive === true);
    const asked = listing.packages[0]?.environmentVariables?.map(({ name, isSecret }) => [name, isSecret]);
    expect(asked).toEqual(Object.keys(manifest.server.mcp_config.env).map((name, index) => [name, secret[index]]));
    expect(secret.filter(Boolean).length).toBe(3);
  });

  it('of a release has the bundle beside it, with its own hash; the one in the repository claims none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jimeng-listing-'));
    try {
      const bundle = join(folder, `${NAME}-${VERSION}.mcpb`);
      writeFileSync(bundle, 'abc');
      const printed = execFileSync(process.execPath, [pathOf('scripts/bundle.mjs'), '--list', bundle], {
        encoding: 'utf8',
      });
      const release = JSON.parse(printed) as Listing;
      expect(faultsOf(release)).toEqual([]);
      expect(release.packages[1]).toEqual({
        registryType: 'mcpb',
        identifier: `https://github.com/${listing.name.replace('io.github.', '')}/releases/download/v${VERSION}/${NAME}-${VERSION}.mcpb`,
        version: VERSION,
        // SHA-256 of "abc": FIPS 180-2, appendix B.1.
        fileSha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        transport: { type: 'stdio' },
      });
      expect({ ...release, packages: release.packages.slice(0, 1) }).toEqual(listing);
      expect(readText('server.json')).not.toContain('fileSha256');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('one truth', () => {
  it('the version is the same everywhere', async () => {
    const lock = JSON.parse(readText('package-lock.json'));
    const reported = await runCommand(['--version'], { env: {}, workingDir: tmpdir() });
    expect({
      lock: lock.version,
      lockRoot: lock.packages[''].version,
      manifest: manifest.version,
      listing: listing.version,
      listedPackage: listing.packages[0]?.version,
      sources: VERSION,
      commandLine: reported.stdout.trim(),
    }).toEqual({
      lock: packageJson.version,
      lockRoot: packageJson.version,
      manifest: packageJson.version,
      listing: packageJson.version,
      listedPackage: packageJson.version,
      sources: packageJson.version,
      commandLine: packageJson.version,
    });
  });

  it('the description is the same everywhere, and short enough for the Registry', () => {
    expect([manifest.description, listing.description]).toEqual([packageJson.description, packageJson.description]);
    expect([...packageJson.description].length).toBeLessThanOrEqual(100);
  });
});

describe('the Chinese texts of the bundle', () => {
  const { resources, default_locale: defaultLocale } = manifest.localization;
  const chinese = JSON.parse(readText(resources.replace(/\$\{locale\}/, 'zh-CN'))) as Partial<Manifest>;
  const isChinese = (text: string | undefined) => /\p{Script=Han}{2}/u.test(text ?? '');

  it('replace all that can be replaced but the name, which the app builds on', () => {
    expect(defaultLocale).toBe('en-US');
    expect(Object.keys(chinese).sort()).toEqual(['author', 'description', 'keywords', 'long_description', 'tools']);
    const texts = [chinese.description, chinese.long_description, chinese.author?.name];
    expect(texts.map(isChinese)).toEqual([true, true, true]);
    expect([manifest.description, manifest.long_description].map((text) => /\p{Script=Han}{4}/u.test(text))).toEqual([
      false,
      false,
    ]);
  });

  it('describe what each tool does', () => {
    expect(chinese.tools?.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
    expect(chinese.tools?.every(({ description }) => isChinese(description))).toBe(true);
  });

  it('explain every option under its English title, because the form itself cannot be translated', () => {
    const explained = [...(chinese.long_description ?? '').matchAll(/^- ([^：]+)：/gm)].map(([, title]) => title);
    expect(explained).toEqual(Object.values(manifest.user_config).map(({ title }) => title));
  });
});
