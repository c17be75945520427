/** An authorization server's public part on this computer: its metadata and its keys; tokens are signed here. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export interface Issuer {
  readonly url: string;
  /** Requests for its metadata and keys. */
  readonly requests: readonly string[];
  /** Good for five minutes, for `AUDIENCE` and the person `mei`, unless the claims say otherwise; undefined leaves one out. */
  sign(claims?: Readonly<Record<string, unknown>>, key?: CryptoKey): Promise<string>;
  /** From now on it signs with a new key, and publishes that one alone. */
  rotate(): Promise<void>;
  /** Answers nothing until it is called again. */
  setAway(isAway: boolean): void;
  close(): Promise<void>;
}

export const AUDIENCE = 'https://videos.example.com/mcp';

/** @param place of its metadata */
export async function startIssuer(
  place = '/.well-known/oauth-authorization-server',
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<Issuer> {
  let { kid, jwk, privateKey } = await makeKey('one');
  const requests: string[] = [];
  let isAway = false;
  const server = createServer((request, response) => {
    requests.push(String(request.url));
    if (isAway) return response.destroy();
    const found: Record<string, object> = {
      [place]: { issuer: url, jwks_uri: `${url}/keys`, ...metadata },
      '/keys': { keys: [jwk] },
    };
    const body = found[String(request.url)];
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, requests },
    async rotate() {
      ({ kid, jwk, privateKey } = await makeKey(`${kid}-next`));
    },
    async sign(claims = {}, key = privateKey) {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: url, aud: AUDIENCE, sub: 'mei', iat: now, exp: now + 300, ...claims };
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return await new SignJWT(given as JWTPayload).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
    },
    setAway(away) {
      isAway = away;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function makeKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}
