/** A call asks its client only for what the client has declared, and anything but a clear yes is none. */
import { describe, expect, it } from 'vitest';
import { type AskClient, clientRequests } from '../../../src/mcp/client-requests.ts';

const none = new AbortController().signal;
const replying =
  (reply: unknown): AskClient =>
  async () =>
    reply;
const failing: AskClient = async () => {
  throw new Error('timed out');
};
const forms = { elicitation: { form: {} } };

it.each([
  [{}, false, false],
  [{ elicitation: {} }, true, false],
  [{ elicitation: { form: {} } }, true, false],
  [{ elicitation: { form: {}, url: {} } }, true, false],
  [{ elicitation: { url: {} } }, false, false],
  [{ roots: {} }, false, true],
  [{ roots: { listChanged: true }, elicitation: {} }, true, true],
])('a client with %j: elicit %s, roots %s', (capabilities, elicits, roots) => {
  const requests = clientRequests(capabilities, failing, none);
  expect([requests.elicit !== undefined, requests.roots !== undefined]).toEqual([elicits, roots]);
});

describe('a person', () => {
  it.each<[unknown, string]>([
    [{ action: 'accept', content: { confirm: true } }, 'yes'],
    [{ action: 'accept', content: { confirm: false } }, 'no'],
    [{ action: 'accept', content: { confirm: 'true' } }, 'no'],
    [{ action: 'accept' }, 'no'],
    [{ action: 'decline' }, 'no'],
    [{ action: 'cancel' }, 'no'],
    [{}, 'no'],
    [undefined, 'no'],
  ])('who replies %j says %s', async (reply, answer) => {
    expect(await clientRequests(forms, replying(reply), none).elicit?.('Pay ¥5?', none)).toBe(answer);
  });

  it('who never answers, or whose client fails, has given no answer', async () => {
    expect(await clientRequests(forms, failing, none).elicit?.('Pay ¥5?', none)).toBe('no_answer');
    const until = new AbortController();
    const waiting: AskClient = (_request, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const answer = clientRequests(forms, waiting, none).elicit?.('Pay ¥5?', until.signal);
    until.abort(new Error('the call is over'));
    expect(await answer).toBe('no_answer');
  });

  it('is asked the question with a yes or a no, and not at all when the call is over', async () => {
    const asked: unknown[] = [];
    const ask: AskClient = async (request) => {
      asked.push(request);
      return { action: 'cancel' };
    };
    const { elicit } = clientRequests(forms, ask, none);
    expect(await elicit?.('Pay ¥5?', AbortSignal.abort())).toBe('no_answer');
    expect(asked).toEqual([]);
    await elicit?.('Pay ¥5?', none);
    expect(asked).toEqual([
      {
        method: 'elicitation/create',
        params: {
          message: 'Pay ¥5?',
          requestedSchema: {
            type: 'object',
            properties: { confirm: { type: 'boolean', title: 'Yes / 是', description: 'Pay ¥5?' } },
            required: ['confirm'],
          },
        },
      },
    ]);
  });
});

it.skipIf(process.platform === 'win32').each<[unknown, string[]]>([
  [
    { roots: [{ uri: 'file:///home/you/project', name: 'p' }, { uri: 'file:///a%20b' }] },
    ['/home/you/project', '/a b'],
  ],
  [{ roots: [{ uri: 'https://example.com' }, { uri: 'file://host/x' }, { uri: 5 }, {}] }, []],
  [{ roots: null }, []],
  [{}, []],
  [undefined, []],
])('roots %j are the folders %j', async (reply, folders) => {
  expect(await clientRequests({ roots: {} }, replying(reply), none).roots?.()).toEqual(folders);
  expect(await clientRequests({ roots: {} }, failing, none).roots?.()).toEqual([]);
});
