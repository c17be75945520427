/** Finds the known name that a misspelt one most likely means. */

/** @returns the known name that shares most words (between `_`), exactly or nearly, and needs the fewest edits; undefined when none is known */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const upper = given.toUpperCase();
  const words = upper.split('_');
  // One letter of four may be wrong: BUDGT is BUDGET.
  const isMeant = (word: string) => words.some((other) => editDistance(other, word) <= word.length / 4);
  const distance = (name: string) => {
    const shared = name.split('_').filter(isMeant);
    // Slightly more, so that of two equally near names the one that shares a word is meant.
    return editDistance(upper, name) - 1.1 * shared.join('').length;
  };
  return [...known].sort((one, other) => distance(one.toUpperCase()) - distance(other.toUpperCase()))[0];
}

/** Levenshtein distance. */
export function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
