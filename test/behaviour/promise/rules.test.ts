/** Each rule of the promise can still be taken out of the code, and each moment be found in it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ANCHORS, FILM_ANCHORS } from '../../../bench/promise/moments.ts';
import { RULES } from '../../../bench/promise/rules.ts';
import { HOST_RULES } from '../../../bench/storm/host-rules.ts';

const timesIn = (file: string, text: string) =>
  readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').split(text).length - 1;

test.each(Object.entries({ ...RULES, ...HOST_RULES }))('%s', (_, changes) => {
  for (const { file, from } of changes) expect([from, timesIn(file, from)]).toEqual([from, 1]);
});

test.each(Object.entries({ ...ANCHORS, ...FILM_ANCHORS }))('a process can be killed: %s', (_, { file, text }) => {
  expect(timesIn(file, text)).toBe(1);
});
