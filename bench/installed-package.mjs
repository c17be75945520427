/** Installs an exact version of a package that is only measured against, and is no dependency. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const LIMIT_MILLISECONDS = 180_000;

/**
 * Installed once into the system's temporary folder, from the registry of npm's own configuration, without its scripts;
 * later runs find it there.
 * @returns the package's folder and its package.json
 * @throws Error with npm's last words
 */
export async function installedPackage(name, version) {
  const place = join(tmpdir(), 'jimeng-bench-packages', `${name.replace('/', '+')}-${version}`);
  const folder = join(place, 'node_modules', name);
  const manifest = async () => JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const there = await manifest().catch(() => undefined);
  if (there !== undefined) return { folder, manifest: there };
  const draft = `${place}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  await writeFile(join(draft, 'package.json'), '{ "private": true }\n');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', '--loglevel=error'];
  try {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    await promisify(execFile)(npm, ['install', ...flags, `${name}@${version}`], {
      cwd: draft,
      timeout: LIMIT_MILLISECONDS,
    });
    // Whole or not at all: a run that is stopped must not leave half a package for the next one.
    await rm(place, { recursive: true, force: true });
    await rename(draft, place);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw new Error(
      `not installed: ${String(error.stderr ?? error.message)
        .trim()
        .slice(-200)}`,
      { cause: error },
    );
  }
  return { folder, manifest: await manifest() };
}
