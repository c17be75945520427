/** What was wrong with what a tool or a command was given, and how is each of them mended? */
import type { z } from 'zod';
import { Problem } from '../problems.ts';

/** Every problem in one go: a model that mends one at a time pays for each round. */
export function invalidInput(error: z.ZodError, known: readonly string[]): Problem {
  const sentences = error.issues.flatMap((issue) => sentencesOf(issue, known));
  return new Problem('invalid_input', { what: sentences.join(' '), mend: 'correct the input' });
}

function sentencesOf(issue: z.core.$ZodIssue, known: readonly string[]): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownInput(key, known));
  const name = issue.path.map(String).join('.');
  if (name === '') return ['The arguments must be an object.'];
  return [`\`${name}\` ${issue.message}${given(issue)}.`];
}

function given(issue: z.core.$ZodIssue): string {
  const value = issue.input;
  if (value === undefined || issue.code === 'custom' || issue.code === 'too_small') return '';
  if (typeof value === 'string')
    return `, but is ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
  return typeof value === 'object' ? '' : `, but is ${String(value)}`;
}

function unknownInput(key: string, known: readonly string[]): string {
  const near = known.find((name) => isNear(key, name));
  const shown = JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
  return near === undefined
    ? `There is no input ${shown}; the inputs are ${known.join(', ')}.`
    : `There is no input ${shown}: did you mean \`${near}\`?`;
}

/** The same letters without case and separators, or at most two edits apart. */
function isNear(given: string, known: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
  const [a, b] = [plain(given), plain(known)];
  return a === b || (Math.abs(a.length - b.length) <= 2 && a.length > 3 && edits(a, b) <= 2);
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
