/**
 * CHANGELOG.md at a release. `--release` moves what is unreleased under the version of package.json, as `npm version` does;
 * `--notes VERSION` prints the part of a version, for the release at GitHub.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('../CHANGELOG.md', import.meta.url));
const UNRELEASED = '## [Unreleased]\n';

/** @throws Error where there is nothing to release */
export function released(text, version, date, repository) {
  const notes = notesOf(text, 'Unreleased');
  if (notes === '') throw new Error('CHANGELOG.md has nothing under "Unreleased"');
  const link = `[${version}]: ${repository}/releases/tag/v${version}\n`;
  return `${text.replace(UNRELEASED, `${UNRELEASED}\n## [${version}] - ${date}\n`).trimEnd()}\n${link}`;
}

/** @returns what stands under a version, without its heading; empty where there is none */
export function notesOf(text, version) {
  const [, after = ''] = text.split(`## [${version}]`);
  const body = after.slice(after.indexOf('\n') + 1).split(/^(?:## \[|\[[^\]]+\]: )/m)[0] ?? '';
  return body.trim();
}

const [mode, wanted] = process.argv.slice(2);
if (mode === '--release') {
  const { version, repository } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const address = repository.url.replace(/^git\+|\.git$/g, '');
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(FILE, released(readFileSync(FILE, 'utf8'), version, today, address));
} else if (mode === '--notes') {
  const notes = notesOf(readFileSync(FILE, 'utf8'), wanted);
  if (notes === '') throw new Error(`CHANGELOG.md has nothing about ${wanted}`);
  process.stdout.write(`${notes}\n`);
}
