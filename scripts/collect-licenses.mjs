// Collects the licences of the bundled libraries: each requires its text in every copy.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * @param {import('esbuild').Metafile[]} metafiles of all that was built
 * @returns {Promise<string>} one text, a part for each package, by name
 * @throws Error for a package that has no licence's text: it would have to be looked up before it is given away
 */
export async function collectLicenses(metafiles) {
  // A plugin's own modules begin with their namespace, such as `lean-types:`.
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs)).filter((path) => !/^[\w-]+:/.test(path));
  const folders = new Set(inputs.map((path) => PACKAGE.exec(path.replaceAll('\\', '/'))?.[1]).filter(Boolean));
  const parts = await Promise.all([...folders].map(licenseOf));
  return parts.sort().join('\n');
}

async function licenseOf(folder) {
  const { name, version, license, repository, homepage } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  );
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  if (texts.length === 0) texts.push(...(await licenseInReadme(folder)));
  if (texts.length === 0) throw new Error(`${name} ${version} (${license}) has no file with its licence`);
  // The MPL wants it said where the source is.
  const source = repository?.url ?? repository ?? homepage;
  return `${'='.repeat(80)}\n${name} ${version} (${license}), ${source}\n${'='.repeat(80)}\n\n${texts.join('\n\n').trim()}\n`;
}

/** Some packages have it in their README alone. */
async function licenseInReadme(folder) {
  const readme = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  const text = readme.split(/^## licen[cs]e$/im)[1];
  return text?.includes('Permission is hereby granted') ? [text.trim()] : [];
}
