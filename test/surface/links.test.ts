/** Every relative link of every Markdown file leads to a file, and every anchor to a heading. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Of the repository itself: an export has no list of its files. */
const DOCUMENTS = readdirSync(ROOT, { withFileTypes: true })
  .filter(({ name }) => !['node_modules', '.git', 'dist', 'coverage'].includes(name))
  .flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    const below = readdirSync(join(ROOT, entry.name), { recursive: true }) as string[];
    return below.map((path) => `${entry.name}/${path.replaceAll('\\', '/')}`);
  })
  .filter((path) => path.endsWith('.md') && !/\bnode_modules\//.test(path) && !path.startsWith('test/golden/'));

/** Blocks and spans of code hold no links. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** As GitHub makes them: lower case, spaces become hyphens, punctuation goes, the second of a name gets -1. */
function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, title]) => title);
  return new Set(
    headings.map((title = '') => {
      const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const slug = plain.replace(/[^\p{L}\p{N}\p{M}\-_ ]/gu, '').replaceAll(' ', '-');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

interface Link {
  readonly target: string;
  readonly anchor: string | undefined;
}

function linksOf(text: string): Link[] {
  const inText = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/<img src="([^"]+)"/g)];
  return inText
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [target = '', anchor] = link.split('#');
      return { target, anchor };
    });
}

describe.each(DOCUMENTS)('%s', (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');

  it('links to files and headings that exist', () => {
    for (const { target, anchor } of linksOf(text)) {
      const file = target === '' ? path : normalize(join(dirname(path), target));
      expect(file.startsWith('..'), `${target} leaves the repository`).toBe(false);
      expect(existsSync(join(ROOT, file)), `${target} exists`).toBe(true);
      if (anchor === undefined) continue;
      const there = statSync(join(ROOT, file)).isFile() ? anchorsOf(readFileSync(join(ROOT, file), 'utf8')) : new Set();
      expect([...there], `${file}#${anchor}`).toContain(decodeURIComponent(anchor));
    }
  });
});

it('every page of docs/ can be reached from a README', () => {
  const pages = DOCUMENTS.filter((path) => path.startsWith('docs/'));
  expect(pages.length).toBeGreaterThan(20);
  const reached = new Set(['README.md', 'README.zh-CN.md']);
  for (const path of reached) {
    if (!path.endsWith('.md')) continue;
    for (const { target } of linksOf(readFileSync(join(ROOT, path), 'utf8'))) {
      if (target !== '') reached.add(normalize(join(dirname(path), target)));
    }
  }
  expect(pages.filter((path) => !reached.has(path))).toEqual([]);
});
