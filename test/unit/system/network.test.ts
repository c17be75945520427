/** Which proxy an address goes through, and that a wrong one is in the way of nothing that does not need it. */
import { expect, it } from 'vitest';
import { bypassesProxy, createNetwork } from '../../../src/system/network.ts';

const NONE = { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined };
const USER_INFO = 'mei:s3cret%40word';
const API = new URL('https://provider.test/x');

it.each([
  ['http://proxy.test:3128', 'http://proxy.test:3128'],
  ['proxy.test:3128', 'http://proxy.test:3128'],
  [`${USER_INFO}@proxy.test`, 'http://proxy.test'],
  [`https://${USER_INFO}@proxy.test`, 'https://proxy.test'],
])('HTTPS_PROXY=%s is shown as %s', async (given, shown) => {
  const network = createNetwork({ ...NONE, httpsProxy: given });
  expect([network.proxyOf(API), network.problemFor(API)]).toEqual([shown, undefined]);
  expect(await network.throughProxy(API)).toBe(await network.shared(API));
  await network.close();
});

it.each([`socks5://${USER_INFO}@proxy.test`, 'http://s3cret%zz@proxy.test', 'http://', 's3cret word'])(
  'HTTPS_PROXY=%s refuses what needs it, and only that, without repeating it',
  async (given) => {
    const network = createNetwork({ ...NONE, httpsProxy: given, noProxy: 'past.test' });
    const problem = network.problemFor(API);
    expect(problem).toMatchObject({ code: 'invalid_settings', who: 'operator', charge: 'none' });
    expect(problem?.message).toContain('HTTPS_PROXY');
    expect(`${problem?.message} ${problem?.hint}`).not.toMatch(/s3cret/);
    expect(network.proxyOf(API)).toBeUndefined();
    for (const way of [network.fresh, network.shared, network.throughProxy]) {
      await expect(way(API)).rejects.toMatchObject({ code: 'invalid_settings' });
    }
    for (const other of ['https://past.test', 'http://provider.test', 'https://127.0.0.1']) {
      expect(network.problemFor(new URL(other))).toBeUndefined();
      expect(await network.throughProxy(new URL(other))).toBeUndefined();
      await (await network.fresh(new URL(other))).destroy();
    }
    await network.close();
  },
);

it.each([
  ['https://provider.test/x', true],
  ['https://past.test/x', false],
  ['https://www.past.test/x', false],
  ['http://provider.test/x', false],
  ['https://127.0.0.1/x', false],
])('%s is given the connection that goes through the proxy: %s', async (address, expected) => {
  const network = createNetwork({ httpProxy: undefined, httpsProxy: 'http://127.0.0.1:9', noProxy: 'past.test' });
  const given = await network.throughProxy(new URL(address));
  expect(given !== undefined).toBe(expected);
  if (expected) expect(given).toBe(await network.shared(new URL(address)));
  await network.close();
});

it.each([
  ['provider.test', 'provider.test', true],
  ['PROVIDER.test', 'Provider.Test', true],
  ['provider.test', 'test', true],
  ['provider.test', '.test', true],
  ['provider.test', '*.test', true],
  ['provider.test', 'other.test provider.test', true],
  ['provider.test', 'a.com,provider.test:443', true],
  ['provider.test:8443', 'provider.test:443', false],
  ['provider.test:8443', 'provider.test', true],
  ['provider.test', '*', true],
  ['provider.test', 'a.com, *', true],
  ['provider.test', 'vider.test', false],
  ['provider.test', 'provider.test.example', false],
  ['provider.test', '', false],
  ['192.168.1.9', '192.168.1.9', true],
  ['[2001:db8::1]', '2001:db8::1', true],
])('https://%s with NO_PROXY=%j goes direct: %s', (host, noProxy, expected) => {
  expect(bypassesProxy(new URL(`https://${host}`), noProxy)).toBe(expected);
});
