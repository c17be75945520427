/** Null counts as absent in the protocol's own fields, and nowhere else. */
import { expect, it } from 'vitest';
import { idToAnswer, withoutNulls } from '../../../src/transports/malformed-message.ts';

it.each([
  ['params', { id: 1, method: 'ping', params: null }, { id: 1, method: 'ping' }],
  ['_meta', { id: 1, method: 'ping', params: { _meta: null } }, { id: 1, method: 'ping', params: {} }],
  [
    'a capability’s field',
    { id: 1, method: 'initialize', params: { capabilities: { roots: null, elicitation: { form: { x: null } } } } },
    { id: 1, method: 'initialize', params: { capabilities: { elicitation: { form: {} } } } },
  ],
  ['a notification’s id', { id: null, method: 'notifications/initialized' }, { method: 'notifications/initialized' }],
])('%s that is null is absent', (_what, message, expected) => {
  expect(withoutNulls(message)).toEqual(expected);
});

it.each([
  ['a tool’s arguments', { method: 'tools/call', params: { name: 'x', arguments: { seed: null, deep: { a: null } } } }],
  ['a request’s id', { id: null, method: 'ping' }],
  ['what stands in a list', { method: 'x', params: { list: [null, { a: null }] } }],
  ['null', null],
  ['a list', [null]],
])('%s stays as it is', (_what, message) => {
  expect(withoutNulls(message)).toEqual(message);
});

it('only a request is answered, to an id that JSON can represent', () => {
  for (const id of ['a', '', 0, 7, -1, 1.5]) expect(idToAnswer({ id, method: 'ping' })).toBe(id);
  for (const id of [null, true, {}, [1], Number.POSITIVE_INFINITY, undefined])
    expect(idToAnswer({ id, method: 'ping' })).toBeUndefined();
  for (const message of [null, 5, 'x', [], {}, { id: 1 }, { id: 1, result: {} }])
    expect(idToAnswer(message)).toBeUndefined();
});
