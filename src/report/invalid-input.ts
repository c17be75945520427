/** Turns what a schema found wrong with an input into one problem with a sentence for each fault. */
import type { z } from 'zod';
import { Problem } from '../problems.ts';

type NameOf = (input: string) => string;
const quotedName: NameOf = (input) => `\`${input}\``;

/** Of one object. */
const MAX_UNKNOWN_NAMES = 10;

/** All faults together: a model that corrects one at a time pays for each round. @param nameOf how the reader writes an input */
export function invalidInput(error: z.ZodError, nameOf: NameOf = quotedName): Problem {
  return new Problem('invalid_input', { what: inputFaults(error, nameOf).join(' '), hint: 'correct the input' });
}

/** @returns a sentence for each fault, none twice */
export function inputFaults(error: z.ZodError, nameOf: NameOf = quotedName): string[] {
  return [...new Set(error.issues.flatMap((issue) => sentencesOf(issue, nameOf)))];
}

function sentencesOf(issue: z.core.$ZodIssue, nameOf: NameOf): string[] {
  if (issue.code === 'unrecognized_keys') {
    // A schema can say which names there are.
    const what = issue.message.startsWith('is not an input') ? issue.message : 'is not an input';
    return issue.keys.slice(0, MAX_UNKNOWN_NAMES).map((key) => `${named([...issue.path, key], nameOf)} ${what}.`);
  }
  if (issue.path.length === 0) return ['The arguments must be an object.'];
  return [`${named(issue.path, nameOf)} ${issue.message}${given(issue)}.`];
}

/** "`image` of shot 2": people count from one. */
function named([first, index, ...rest]: readonly PropertyKey[], nameOf: NameOf): string {
  if (first === 'shots' && typeof index === 'number') {
    const shot = `shot ${index + 1}`;
    return rest.length === 0 ? shot : `${nameOf(shownName(rest.map(String).join('.')))} of ${shot}`;
  }
  const path = [first, ...(index === undefined ? [] : [index]), ...rest];
  return nameOf(shownName(path.map(String).join('.')));
}

function given(issue: z.core.$ZodIssue): string {
  const value = issue.input;
  if (value === undefined || issue.code === 'custom' || issue.code === 'too_small') return '';
  if (typeof value === 'string')
    return `, but is ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
  return typeof value === 'object' && value !== null ? '' : `, but is ${String(value)}`;
}

/** A name as it stands in a sentence: a client may send a megabyte. */
export function shownName(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Surrogate}`]/gu, '\uFFFD');
  return plain.length > 60 ? `${plain.slice(0, 60)}…` : plain;
}
