/** Reads paths and URLs as people and models write them. The readings are pure; the search takes its file system as functions. */
import { basename, dirname, join } from 'node:path';

export interface Reading {
  readonly text: string;
  /** What was changed in the given text to get here: "the quotes around it were removed". */
  readonly changes: readonly string[];
}

export interface FileLookup {
  exists(path: string): Promise<boolean>;
  /** Of a folder that can be read; else none. */
  names(folder: string): Promise<readonly string[]>;
}

type Step = readonly [change: string, peel: (text: string) => string];

const QUOTES = [
  '""',
  "''",
  '``',
  '“”',
  '„“',
  '„”',
  '‘’',
  '‚‘',
  '«»',
  '»«',
  '‹›',
  '「」',
  '『』',
  '《》',
  '＂＂',
  '＇＇',
  '´´',
];
const CLOSING: Readonly<Record<string, string>> = {
  ')': '(',
  ']': '[',
  '>': '<',
  '）': '（',
  '】': '【',
  '》': '《',
  '」': '「',
};
const URL_START = /^https?:\/\//i;

function withoutQuotes(text: string): string {
  const fenced = /^```\w*\s*(.*?)\s*```$/s.exec(text)?.[1];
  if (fenced !== undefined) return fenced;
  const isQuoted =
    text.length > 2 && QUOTES.some(([open = '', close = '']) => text.startsWith(open) && text.endsWith(close));
  return isQuoted ? text.slice(1, -1) : text.replace(/^["`“”](?=[^"`“”]*$)|(?<=^[^"`“”]*)["`“”]$/g, '');
}

function withoutMarkdown(text: string): string {
  const target = /^!?\[[^\]]*\]\(\s*(?:<([^>]*)>|(.*?))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)[.,;。]?$/s.exec(text);
  return target?.[1] ?? target?.[2] ?? text;
}

/** Punctuation of the sentence around a URL: a bracket only where the URL has not opened it. */
function withoutUrlEnd(text: string): string {
  if (!URL_START.test(text)) return text;
  let end = text.length;
  for (; end > 0; end -= 1) {
    const last = text[end - 1] as string;
    const open = CLOSING[last];
    const opened =
      open === undefined ? 0 : text.slice(0, end).split(open).length - text.slice(0, end).split(last).length;
    if (!/[.,;!"'`”’。，；！、]/.test(last) && (open === undefined || opened >= 0)) break;
  }
  return text.slice(0, end);
}

/** Each has one meaning only: no file is named like this on purpose. */
const CERTAIN_STEPS: readonly Step[] = [
  ['the quotes around it were removed', withoutQuotes],
  ['it was taken out of its Markdown link', withoutMarkdown],
  ['the angle brackets around it were removed', (text) => /^<(.+)>$/s.exec(text)?.[1] ?? text],
  ['the leading @ was removed', (text) => text.replace(/^@(?=.)/s, '')],
  ['punctuation after the URL was removed', withoutUrlEnd],
  ['&amp; was read as &', (text) => (URL_START.test(text) ? text.replaceAll('&amp;', '&') : text)],
  [
    'the variable was read as the home folder',
    (text) => text.replace(/^(\$HOME|\$\{HOME\}|\$env:USERPROFILE|%USERPROFILE%)(?=[/\\])/i, '~'),
  ],
];

/** Only certain once a file of that name is found. */
const PATH_STEPS: readonly Step[] = [
  ['its backslashes were read as escapes', (text) => text.replace(/\\(?=[ ()&'"[\]{}$!;,#*?<>|~`\\])/g, '')],
  ['it was percent-decoded', decoded],
];

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The text without what surrounds it: quotes, Markdown, angle brackets, an `@`, punctuation after a URL. */
export function plainReading(written: string): Reading {
  return certainReadings(written).at(-1) as Reading;
}

/** All readings as a path, the text as it is written first. A caller that uses another one than the first reports it. */
export function pathReadings(written: string): readonly Reading[] {
  const certain = certainReadings(written);
  const more = PATH_STEPS.map((step) => applied(certain.at(-1) as Reading, step));
  const both = PATH_STEPS.reduce(applied, certain.at(-1) as Reading);
  return [...certain, ...more, both].filter(
    ({ text }, index, all) => all.findIndex((other) => other.text === text) === index,
  );
}

function certainReadings(written: string): Reading[] {
  const readings: Reading[] = [{ text: written.trim(), changes: [] }];
  for (;;) {
    const last = readings.at(-1) as Reading;
    const next = CERTAIN_STEPS.map((step) => applied(last, step)).find(({ text }) => text !== last.text && text !== '');
    if (next === undefined) return readings;
    readings.push(next);
  }
}

function applied({ text, changes }: Reading, [change, peel]: Step): Reading {
  const peeled = peel(text).trim();
  return peeled === text ? { text, changes } : { text: peeled, changes: [...new Set([...changes, change])] };
}

/**
 * @param readings absolute paths, in the order of `pathReadings`
 * @returns the readings that name something that exists: what was written alone where it does; else also names that
 *   differ only in the kind of their spaces (macOS writes U+202F into the names of screenshots) or in their Unicode form
 */
export async function existingReadings(readings: readonly Reading[], lookup: FileLookup): Promise<readonly Reading[]> {
  const asWritten = readings.find(({ changes }) => changes.length === 0);
  if (asWritten && (await lookup.exists(asWritten.text))) return [asWritten];
  const found = new Map<string, Reading>();
  for (const reading of readings) {
    const { text, changes } = reading;
    const path = (await lookup.exists(text)) ? text : await lookAlike(text, lookup);
    if (path === undefined || found.has(path)) continue;
    const look = 'its spaces or accents were matched to those of the file';
    found.set(path, path === text ? reading : { text: path, changes: [...changes, look] });
  }
  return [...found.values()];
}

/** Spaces of every kind are one, and composed and decomposed letters are the same. */
export function folded(name: string): string {
  return name.normalize('NFC').replace(/\p{Zs}/gu, ' ');
}

async function lookAlike(path: string, lookup: FileLookup): Promise<string | undefined> {
  const parent = dirname(path);
  if (parent === path || /^[!-~]*$/.test(path)) return undefined;
  const folder = (await lookup.exists(parent)) ? parent : await lookAlike(parent, lookup);
  if (folder === undefined) return undefined;
  const wanted = folded(basename(path));
  const [match, ...others] = (await lookup.names(folder)).filter((name) => folded(name) === wanted);
  return match === undefined || others.length > 0 ? undefined : join(folder, match);
}
