/** Keys of an authorization server that change: new ones count immediately, and nobody can have it queried without end. */
import { generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { OauthAccess } from '../../../src/serve/oauth.ts';
import { createNetwork, type Network } from '../../../src/system/network.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../../support/issuer.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let issuer: Issuer;
let network: Network;
let clock: ManualClock;
let access: OauthAccess;
beforeEach(async () => {
  issuer = await startIssuer();
  network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
  clock = new ManualClock(Date.now());
  const options = { audience: AUDIENCE, people: undefined, network, clock, log: silentLog };
  access = new OauthAccess({ issuer: new URL(issuer.url), ...options });
});
afterEach(async () => {
  await network.close();
  await issuer.close();
});

/** 200: let in. */
async function statusOf(token: string): Promise<number> {
  const identified = await access.identify(token);
  return 'status' in identified ? identified.status : 200;
}
const fetches = () => issuer.requests.filter((path) => path === '/keys').length;
/** Right in all, but for a key that nobody has published. */
async function forged(kid: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  const claims = { iss: issuer.url, aud: AUDIENCE, sub: 'mei', exp: Math.floor(Date.now() / 1000) + 300 };
  return await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
}

it('the first token of a new key is let in, and the old key’s tokens no longer are', async () => {
  const old = await issuer.sign();
  expect(await statusOf(old)).toBe(200);
  await issuer.rotate();
  clock.suspend(6_000);
  expect(await statusOf(await issuer.sign())).toBe(200);
  expect(await statusOf(old)).toBe(401);
});

it('a hundred requests with the new key at the same time are all let in, after one query', async () => {
  expect(await statusOf(await issuer.sign())).toBe(200);
  await issuer.rotate();
  clock.suspend(6_000);
  const token = await issuer.sign();
  const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(token)));
  expect([new Set(statuses), fetches()]).toEqual([new Set([200]), 2]);
});

it('tokens of keys that do not exist have the issuer queried once in five seconds, however many they are', async () => {
  expect(await statusOf(await issuer.sign())).toBe(200);
  clock.suspend(6_000);
  for (let index = 0; index < 20; index++) {
    expect(await statusOf(await forged(`key ${index}`))).toBe(401);
    clock.suspend(490);
  }
  expect(fetches()).toBe(3);
  await issuer.rotate();
  clock.suspend(5_000);
  expect(await statusOf(await issuer.sign())).toBe(200);
});

it('while the issuer is away, known keys count, an unknown one is answered with 503, and it is queried once in five seconds', async () => {
  const known = await issuer.sign();
  expect(await statusOf(known)).toBe(200);
  await issuer.rotate();
  const unknown = await issuer.sign();
  issuer.setAway(true);
  clock.suspend(6_000);
  const before = fetches();
  for (let index = 0; index < 5; index++) expect([await statusOf(unknown), await statusOf(known)]).toEqual([503, 200]);
  expect(fetches()).toBe(before + 1);
  issuer.setAway(false);
  clock.suspend(5_000);
  expect([await statusOf(unknown), await statusOf(known)]).toEqual([200, 401]);
});

it('keys are forgotten after ten minutes: withdrawn ones end, also where no new one is used', async () => {
  const old = await issuer.sign({ exp: Math.floor(Date.now() / 1000) + 3600 });
  expect(await statusOf(old)).toBe(200);
  await issuer.rotate();
  clock.suspend(9 * 60_000);
  expect(await statusOf(old)).toBe(200);
  clock.suspend(61_000);
  expect(await statusOf(old)).toBe(401);
  issuer.setAway(true);
  clock.suspend(10 * 60_000);
  const before = fetches();
  for (let index = 0; index < 5; index++) expect(await statusOf(old)).toBe(503);
  expect(fetches()).toBe(before + 1);
});
