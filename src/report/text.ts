/** Makes text that others wrote (prompts, provider texts, paths) safe to show. */

/** Marks, embeddings, overrides and isolates: they reorder what is shown around them. */
const BIDIRECTIONAL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Without control and bidirectional characters; a lone half of a surrogate pair becomes U+FFFD. Lines are kept. */
export function cleanText(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(BIDIRECTIONAL, '')
    .replace(/(?![\n\t])\p{Cc}/gu, ' ');
}

export function oneLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}

/** @param max Unicode code points, the ellipsis included */
export function cut(text: string, max: number): string {
  // An array of the characters of a megabyte takes 100 MB.
  const characters = [...text.slice(0, 2 * max + 2)];
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : text;
}

const MAX_PERSON_CHARACTERS = 64;

/** In a list. A longer name is of somebody who signs in: the issuer comes first, and the person at the end. */
export function shownPerson(person: string, max = MAX_PERSON_CHARACTERS): string {
  const characters = [...oneLine(person)];
  return characters.length > max ? `…${characters.slice(1 - max).join('')}` : characters.join('');
}

/** Text as text in Markdown. Cut before it is escaped: half an escape is worse than none. */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>|~]/g, '\\$&');
}

/** A word as a POSIX shell reads it, whatever it holds. */
export function shellWord(word: string): string {
  return /^[\w./:=~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "¥1.40" @param cny CNY */
export function yuan(cny: number): string {
  return `¥${cny.toFixed(2)}`;
}

export function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Within this many seconds of a whole number that is shown: 121 frames are 5.04 s. */
export const WHOLE_SECOND_TOLERANCE = 0.1;

export function wholeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return Math.abs(seconds - whole) <= WHOLE_SECOND_TOLERANCE ? String(whole) : rounded(seconds);
}

/** "2026-09-01 18:00:00" in the reader's time zone. @param milliseconds since 1970 @param zone undefined: this computer's */
export function localTime(milliseconds: number, zone?: string): string {
  const format = { dateStyle: 'short', timeStyle: 'medium', timeZone: zone } as const;
  return new Intl.DateTimeFormat('sv-SE', format).format(milliseconds);
}
