/** Finds the known name that a misspelt one most likely means. */

/** @returns the known name that shares most words (between `_`) and needs the fewest edits; undefined when none is known */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const upper = given.toUpperCase();
  const words = new Set(upper.split('_'));
  const distance = (name: string) => {
    const shared = name.split('_').filter((word) => words.has(word));
    return editDistance(upper, name) - shared.join('').length;
  };
  return [...known].sort((one, other) => distance(one.toUpperCase()) - distance(other.toUpperCase()))[0];
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
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
