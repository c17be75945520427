/** A link is requested as it is spelt, and redirects are followed only where they may lead. */
import type { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openLinks } from '../../../../src/media/download/link.ts';
import { FileHost, redirectTo } from './download-host.ts';

let host: FileHost;
beforeEach(async () => {
  host = await FileHost.open();
});
afterEach(async () => {
  await host.close();
});

describe('a link', () => {
  test('is requested exactly as it is spelt', async () => {
    const target = "/a%2fb//c/../d?b=1&a=%e4&a=2&c='+~{}|^%7E&sig=a/b+c==";
    await host.expectWhole({ url: `${host.origin}${target}#part` });
    expect(host.requests[0]?.url).toBe(target);
  });

  test('with characters that cannot go over the wire has them encoded, and the rest left', async () => {
    await host.expectWhole({ url: `${host.origin}/马?b=1 2&a=%7e` });
    expect(host.requests[0]?.url).toBe('/%E9%A9%AC?b=1%202&a=%7e');
  });
});

test('a host without a listener is reported by its name, without the signature in its query', async () => {
  host.stopListening();
  const sentence = await host.sentenceOf({ url: `${host.origin}/v?Signature=hidden` });
  expect(sentence).toContain(new URL(host.origin).host);
  expect(sentence).not.toContain('hidden');
});

describe('redirects', () => {
  test('are followed, relative ones and their queries too', async () => {
    host.steps = [redirectTo('/next?b=1&a=2'), redirectTo(`${host.origin}/last?z='%7e'`)];
    await host.expectWhole();
    expect(host.requests.map((request) => request.url)).toEqual(['/video?x=1', '/next?b=1&a=2', "/last?z='%7e'"]);
  });

  test('in a loop end in a sentence', async () => {
    host.last = redirectTo('/again');
    expect(await host.sentenceOf()).toContain('redirects more than 5 times');
  });

  test.each([
    'http://127.0.0.1:1/x',
    'http://[::1]/x',
    'http://169.254.169.254/x',
    'http://nas/x',
    'http://2130706433/',
  ])('into a private network (%s) are not followed unless the API is on one', async (location) => {
    host.steps = [redirectTo(location)];
    expect(await host.sentenceOf({ mayReachPrivate: false })).toContain('private network');
    expect(host.requests).toHaveLength(1);
  });

  test.each(['file:///etc/passwd', 'ftp://example.com/x', 'http://'])('to %s are not followed', async (location) => {
    host.last = redirectTo(location);
    expect(await host.sentenceOf()).toContain('redirects to no web address');
  });

  test('a link that is no web address is replaced by a fresh one', async () => {
    await host.expectWhole({ url: 'file:///etc/passwd' });
  });
});

test('a redirect to a public name that resolves to a private address is not followed', async () => {
  const resolve = ((_name: string, _options: object, callback: (error: null, found: object[]) => void) =>
    callback(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as typeof lookup;
  const rules = { throughProxy: async () => undefined, stallMilliseconds: 5000, resolve };
  const { signal } = new AbortController();
  host.last = redirectTo(`http://cdn.example.com:${new URL(host.origin).port}/private`);
  const links = await openLinks({ ...rules, mayReachPrivate: false });
  onTestFinished(() => links.close());
  await expect(links.get(`${host.origin}/video`, {}, signal)).rejects.toMatchObject({ retry: 'never' });
  expect(host.requests.map((request) => request.url)).toEqual(['/video']);
});

describe('behind a proxy', () => {
  /** Every name leads to this machine, as a company's names do inside its network. */
  const inside: LookupFunction = (_name, { all }, callback) =>
    all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);

  /** Only `proxied.test` goes through the proxy. */
  function throughProxy() {
    const shared = new Agent({ connect: { lookup: inside } });
    onTestFinished(() => shared.destroy());
    return async ({ hostname }: URL) => (hostname === 'proxied.test' ? shared : undefined);
  }
  const url = () => `http://proxied.test:${new URL(host.origin).port}/video?x=1`;

  test('redirects to what goes through it are followed', async () => {
    host.steps = [redirectTo('/next')];
    await host.expectWhole({ url: url(), throughProxy: throughProxy(), mayReachPrivate: false });
    expect(host.requests.map((request) => request.url)).toEqual(['/video?x=1', '/next']);
  });

  test('a redirect past it is checked as without one, and does not get into the private network', async () => {
    // A label of 64 letters has no address, and no name service is queried for it.
    host.last = redirectTo(`http://${'n'.repeat(64)}.test:${new URL(host.origin).port}/private`);
    await host.sentenceOf({ url: url(), throughProxy: throughProxy(), mayReachPrivate: false });
    expect(new Set(host.requests.map((request) => request.url))).toEqual(new Set(['/video?x=1']));
  });
});
