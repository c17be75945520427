/** Searches tasks by words: a pattern that the database narrows with, and the exact check of what it found. Pure. */
import type { Task } from '../tasks/record.ts';

const MAX_WORDS = 12;

/** In lower case. */
export function wordsOf(text: string | undefined): readonly string[] {
  return (text ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, MAX_WORDS);
}

/**
 * For LIKE with `!` as escape, over the record's JSON in lower case: the longest word, as JSON writes it. Engines differ in
 * which letters they make small: a letter outside ASCII that has two cases stands for any letter.
 * @returns '' for no words
 */
export function patternOf(words: readonly string[]): string {
  const longest = [...words].sort((one, other) => other.length - one.length)[0];
  if (longest === undefined) return '';
  const characters = [...JSON.stringify(longest).slice(1, -1)].map((character) => {
    if (/[%_!]/.test(character)) return `!${character}`;
    return character > '\x7f' && character.toUpperCase() !== character ? '_' : character;
  });
  return `%${characters.join('')}%`;
}

export function isFound({ id, request, video }: Task, words: readonly string[]): boolean {
  const name = video?.file?.path.split(/[\\/]/).at(-1) ?? '';
  const searched = [request.prompt ?? '', id, name].join('\n').toLowerCase();
  return words.every((word) => searched.includes(word));
}
