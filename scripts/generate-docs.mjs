/**
 * Writes the generated parts of the documentation, the manifests and the listings from the sources: `npm run docs`.
 * With --check nothing is written, and a stale file gives exit code 1.
 */
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clientParts } from './docs-clients.mjs';
import { loadSources, tables } from './docs-tables.mjs';
import * as words from './docs-words.mjs';
import { chineseOptions, formOptions, serverJson } from './listings.mjs';
import { pluginFiles } from './plugins.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Replaces the text between `<!-- NAME:start -->` and `<!-- NAME:end -->`. */
function fill(text, name, content, path) {
  const pattern = new RegExp(`(<!-- ${name}:start -->\n)[\\s\\S]*?(<!-- ${name}:end -->)`);
  if (!pattern.test(text)) throw new Error(`${path} has no place for "${name}"`);
  return text.replace(pattern, (_, start, end) => `${start}${content}\n${end}`);
}

const SKILL = 'skills/jimeng-video';

function markdownIn(folder) {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.md'));
  return names.map((name) => `${folder}/${name}`);
}

/** The documents of one language. The skill is for models, in English. */
function documentsOf(language) {
  if (language === 'zh') return ['README.zh-CN.md', ...markdownIn('docs/zh-CN')];
  return ['README.md', ...['docs', SKILL, `${SKILL}/references`].flatMap(markdownIn)];
}

/** The skill starts exactly this version. */
function withVersion(text, path, { name, version }) {
  if (!path.startsWith(SKILL)) return text;
  return text
    .replaceAll(new RegExp(`${name}@[\\w.-]+`, 'g'), `${name}@${version}`)
    .replace(/^( {2}version: ).*$/m, `$1"${version}"`);
}

/**
 * Fills the marked parts of each document. Every part has a place somewhere.
 * @returns `[path, render]` of each document that has one
 */
async function documentsWith(parts, language, packageJson) {
  const documents = await Promise.all(
    documentsOf(language).map(async (path) => [path, await readFile(join(root, path), 'utf8')]),
  );
  const isIn = (text, name) => text.includes(`<!-- ${name}:start -->`);
  for (const [name] of parts) {
    if (!documents.some(([, text]) => isIn(text, name))) throw new Error(`no ${language} document has "${name}"`);
  }
  return documents.flatMap(([path, text]) => {
    const own = parts.filter(([name]) => isIn(text, name));
    const render = (before) =>
      own.reduce(
        (filled, [name, content]) => fill(filled, name, content, path),
        withVersion(before, path, packageJson),
      );
    return own.length === 0 && !path.startsWith(SKILL) ? [] : [[path, render]];
  });
}

/** Biome's layout: a short list of texts or numbers stands on one line. */
function layOut(value) {
  const text = JSON.stringify(value, null, 2);
  const listOfValues = /\[\n\s+((?:"[^"\n]*"|\d+)(?:,\n\s+(?:"[^"\n]*"|\d+))*)\n\s+\]/g;
  const onOneLine = text.replace(listOfValues, (whole, inner) => {
    const line = `[${inner.replace(/,\n\s+/g, ', ')}]`;
    return line.length > 80 ? whole : line;
  });
  return `${onOneLine}\n`;
}

function manifestWith({ TOOLS, SETTINGS }, { name, version, description, keywords, license, author, engines }) {
  return (text) => {
    const manifest = JSON.parse(text);
    const tools = TOOLS.map((tool) => ({ name: tool.name, description: tool.description }));
    const compatibility = { ...manifest.compatibility, runtimes: { node: engines.node } };
    const facts = { name, version, description, keywords, license, author: { name: author } };
    const { env, userConfig } = formOptions(SETTINGS);
    const server = { ...manifest.server, mcp_config: { ...manifest.server.mcp_config, env } };
    return layOut({ ...manifest, ...facts, server, tools, compatibility, user_config: userConfig });
  };
}

/** Before the list that explains the form's English titles. */
const OPTIONS_HEADING = '\n\n各项设置：\n';

/** Descriptions for people: from the README's words, not from the texts for models. */
function chineseManifestWith({ TOOLS, SETTINGS }) {
  return (text) => {
    const manifest = JSON.parse(text);
    const tools = TOOLS.map(({ name }) => ({ name, description: words.TOOLS[name][words.LANGUAGES.indexOf('zh')] }));
    const [introduction] = manifest.long_description.split(OPTIONS_HEADING);
    const options = chineseOptions(SETTINGS).join('\n');
    return layOut({ ...manifest, long_description: `${introduction}${OPTIONS_HEADING}${options}`, tools });
  };
}

const sources = await loadSources();
const packageJson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const manifest = JSON.parse(await readFile(join(root, 'manifest.json'), 'utf8'));
const documents = await Promise.all(
  words.LANGUAGES.map((language) =>
    documentsWith(
      [...tables(sources, language), ...clientParts(sources, packageJson, language)],
      language,
      packageJson,
    ),
  ),
);
const files = [
  ...documents.flat(),
  ['manifest.json', manifestWith(sources, packageJson)],
  ['mcpb-resources/zh-CN.json', chineseManifestWith(sources)],
  ['assets/storyboard.schema.json', () => layOut(sources.storyboardSchema())],
  ...pluginFiles(packageJson, manifest.display_name, manifest.long_description, sources).map(([path, content]) => [
    path,
    () => layOut(content),
  ]),
  ['server.json', () => layOut(serverJson(packageJson, manifest.display_name, sources.SETTINGS))],
];
for (const [path, render] of files) {
  const before = await readFile(join(root, path), 'utf8').catch(() => '');
  const after = render(before, path);
  if (after === before) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`${path} is stale: run npm run docs\n`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), after);
    process.stdout.write(`${path} written\n`);
  }
}
