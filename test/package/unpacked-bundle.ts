/** Starts the Claude Desktop bundle as the app does: unpacked, configured, with nothing else around it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Session } from '../support/mcp-client.ts';

export type Filled = Readonly<Record<string, string | number | boolean>>;

export interface Manifest {
  readonly name: string;
  readonly display_name: string;
  readonly version: string;
  readonly description: string;
  readonly long_description: string;
  readonly author: { readonly name: string };
  readonly keywords: readonly string[];
  readonly icon: string;
  readonly localization: { readonly resources: string; readonly default_locale: string };
  readonly tools: readonly { readonly name: string; readonly description: string }[];
  readonly server: {
    readonly mcp_config: {
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    };
  };
  readonly compatibility: { readonly runtimes: { readonly node: string } };
  readonly user_config: Readonly<
    Record<string, { readonly title: string; readonly default?: string | number; readonly sensitive?: boolean }>
  >;
}

export interface UnpackedBundle {
  readonly folder: string;
  readonly manifest: Manifest;
  /** A new, empty home folder. */
  readonly homeDir: string;
  /** Paths inside the bundle, sorted. */
  files(): string[];
  /** Starts it with what a user has filled in; what is left out has its default or stays a literal placeholder. */
  start(filled?: Filled): Promise<Session>;
  /** As `start`, with every option handed on as this text. */
  startWithAll(text: string): Promise<Session>;
  remove(): Promise<void>;
}

export function filesUnder(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((path) => path.slice(folder.length + 1).replaceAll('\\', '/')).sort();
}

/** What the app does with `${…}`: the user's value, else the default, else nothing is replaced (mcpb 2.1.2, config.js). */
function substitute(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{([^}]+)\}/g, (whole, name: string) => variables[name] ?? whole);
}

/**
 * A bundle in a temporary folder, and a PATH on which there is Node and nothing else.
 *
 * UNPACKED_BUNDLE: a bundle that was really packed and unpacked, instead of the folder that is packed.
 * BUNDLE_NODE: another Node than the test's, by its full path.
 */
export function openBundle(): UnpackedBundle {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'jimeng-bundle-test-')));
  const [pathDir, homeDir, workingDir] = [join(place, 'bin'), join(place, 'home'), join(place, 'elsewhere')];
  for (const folder of [pathDir, homeDir, workingDir]) mkdirSync(folder);
  symlinkSync(process.env.BUNDLE_NODE ?? process.execPath, join(pathDir, 'node'));
  const folder = process.env.UNPACKED_BUNDLE ?? stage(join(place, 'Claude Extensions', 'jimeng-video-mcp'));
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  const { command, args, env } = manifest.server.mcp_config;

  const launch = (variables: Readonly<Record<string, string>>) => {
    const known = { ...variables, __dirname: folder };
    const settings = Object.entries(env).map(([name, value]) => [name, substitute(value, known)] as const);
    return connect({ ...Object.fromEntries(settings), PATH: pathDir, HOME: homeDir }, workingDir, [
      command,
      ...args.map((each) => substitute(each, known)),
    ]);
  };
  const defaults = Object.entries(manifest.user_config).flatMap(([key, option]) =>
    option.default === undefined ? [] : [[key, option.default] as const],
  );
  return {
    folder,
    manifest,
    homeDir,
    files: () => filesUnder(folder),
    start: (filled = {}) => {
      const values = { ...Object.fromEntries(defaults), ...filled };
      return launch(
        Object.fromEntries(Object.entries(values).map(([key, value]) => [`user_config.${key}`, `${value}`])),
      );
    },
    startWithAll: (text) =>
      launch(Object.fromEntries(Object.keys(manifest.user_config).map((key) => [`user_config.${key}`, text]))),
    remove: () => rm(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}

function stage(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const script = fileURLToPath(new URL('../../scripts/bundle.mjs', import.meta.url));
  execFileSync(process.execPath, [script, '--stage', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  return folder;
}
