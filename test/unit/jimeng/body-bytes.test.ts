/** The bytes sent are those that JSON would write, whatever the body holds. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bodyBytes, jsonPieces } from '../../../src/jimeng/request-body.ts';

/** Pictures as the provider takes them. */
function asText(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asText(field)]));
}

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.uint8Array({ maxLength: 40 }),
);
const field = fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf));

describe('a body', () => {
  test('of any fields is what JSON.stringify writes, byte for byte, and so are its pieces', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), field), (body) => {
        const expected = JSON.stringify(asText(body));
        expect(bodyBytes(body).toString('utf8')).toBe(Buffer.from(expected).toString('utf8'));
        expect([...jsonPieces(body)].join('')).toBe(expected);
      }),
    );
  });

  test('with pictures of any length holds their base64 without a seam', () => {
    for (const length of [0, 1, 2, 3, 49_151, 49_152, 49_153, 98_305, 500_000]) {
      const pictures = [randomBytes(length), new Uint8Array(randomBytes(length + 5)).subarray(2, length + 2)];
      const body = { req_key: '即梦', binary_data_base64: pictures, frames: 121 };
      expect(bodyBytes(body).equals(Buffer.from(JSON.stringify(asText(body))))).toBe(true);
    }
  });
});
