/** Does the usual time follow what was seen, and claim no more than that? */
import { expect, test } from 'vitest';
import { MOST_TIMES, type TimeSpan, usualTimeOf } from '../../src/tasks/usual-time.ts';

const spans = (...seconds: number[]): TimeSpan[] => seconds.map((at) => ({ fromSeconds: at - 2, toSeconds: at + 2 }));

test('four videos tell nothing, five do', () => {
  expect(usualTimeOf(spans(100, 100, 100, 100))).toBeUndefined();
  expect(usualTimeOf(spans(100, 100, 100, 100, 100))?.medianSeconds).toBeCloseTo(100, 0);
});

test('the median is between those that were seen, and nine in ten lie around it', () => {
  const usual = usualTimeOf(spans(...Array.from({ length: 100 }, (_, index) => 80 + index)));
  expect(usual?.medianSeconds).toBeGreaterThan(120);
  expect(usual?.medianSeconds).toBeLessThan(140);
  expect(usual?.lowSeconds).toBeGreaterThan(75);
  expect(usual?.highSeconds).toBeLessThan(190);
  expect(usual?.finishedBy(40)).toBeLessThan(0.01);
  expect(usual?.finishedBy(300)).toBeGreaterThan(0.99);
});

test('a few alike are taken for less alike than they look', () => {
  const few = usualTimeOf(spans(...Array(5).fill(100)));
  const many = usualTimeOf(spans(...Array(100).fill(100)));
  const width = (usual: typeof few) => (usual?.highSeconds ?? 0) / (usual?.lowSeconds ?? 1);
  expect(width(few)).toBeGreaterThan(width(many) * 1.3);
});

test('what is known only within a wide span is spread over it', () => {
  const narrow = usualTimeOf(Array(50).fill({ fromSeconds: 119, toSeconds: 121 }));
  const wide = usualTimeOf(Array(50).fill({ fromSeconds: 105, toSeconds: 135 }));
  expect(wide?.highSeconds).toBeGreaterThan((narrow?.highSeconds ?? 0) + 5);
});

test('a provider that changes is followed, and what is old is forgotten', () => {
  const before = Array(MOST_TIMES).fill(100);
  expect(usualTimeOf(spans(...before, ...Array(MOST_TIMES / 2).fill(200)))?.medianSeconds).toBeGreaterThan(150);
  expect(usualTimeOf(spans(...before, ...Array(MOST_TIMES).fill(200)))?.lowSeconds).toBeGreaterThan(180);
});
