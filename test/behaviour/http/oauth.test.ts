/** The server as an OAuth resource server: whose tokens are accepted, and how a client finds out where to get one. */
import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../../support/issuer.ts';
import { startCommand } from '../../support/run-command.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let issuer: Issuer;
let server: HttpServer;
const environment = () => ({
  ...workspace.environment('sandbox'),
  JIMENG_VIDEO_OAUTH_ISSUER: issuer.url,
  JIMENG_VIDEO_OAUTH_AUDIENCE: AUDIENCE,
  JIMENG_VIDEO_PUBLIC_URL: 'https://videos.example.com',
  LOG_LEVEL: 'info',
});
beforeAll(async () => {
  workspace = await makeWorkspace();
  issuer = await startIssuer();
  server = await startHttp(environment());
});
afterAll(async () => {
  await server.stop();
  await issuer.close();
  await workspace.remove();
});

const ping = (token: string, at = server) => at.post({ id: 1, method: 'ping' }, { authorization: `Bearer ${token}` });
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => ({
  ...{ iss: issuer.url, aud: AUDIENCE, sub: 'mei', exp: Math.floor(Date.now() / 1000) + 300 },
});

it('a token of the issuer for this server is let in, and its person is named with the issuer', async () => {
  const token = await issuer.sign();
  const call = { id: 1, method: 'tools/call', params: { name: 'list_video_tasks', arguments: {} } };
  const { status } = await server.post(call, { authorization: `Bearer ${token}` });
  expect(status).toBe(200);
  await server.logged(`"person":"${issuer.url} mei"`);
  expect(server.stderr()).not.toContain(token);
});

describe('is refused with 401, invalid_token and the place of the metadata:', () => {
  const now = () => Math.floor(Date.now() / 1000);
  it.each<[string, () => Promise<string> | string]>([
    ['an expired token', () => issuer.sign({ exp: now() - 60 })],
    ['a token that is not good yet', () => issuer.sign({ nbf: now() + 600 })],
    ['a token without an expiry', () => issuer.sign({ exp: undefined })],
    ['a token of nobody', () => issuer.sign({ sub: undefined })],
    ['a token of a nameless person', () => issuer.sign({ sub: '' })],
    // As text, each of them would be "[object Object]": one person for all.
    ['a token whose person is no text', () => issuer.sign({ sub: { name: 'mei' } })],
    ['a token whose person has a control character', () => issuer.sign({ sub: 'mei\u0000' })],
    ['a token whose person is longer than OpenID Connect allows', () => issuer.sign({ sub: 'm'.repeat(256) })],
    ['another issuer’s token', () => issuer.sign({ iss: 'https://elsewhere.example.com' })],
    ['a token for another server', () => issuer.sign({ aud: 'https://other.example.com/mcp' })],
    ['a token for no server', () => issuer.sign({ aud: undefined })],
    ['a token signed with another key', async () => issuer.sign({}, (await generateKeyPair('ES256')).privateKey)],
    ['alg: none', () => `${encoded({ alg: 'none' })}.${encoded(claims())}.`],
    ['alg: none with a signature', () => `${encoded({ alg: 'none', kid: 'one' })}.${encoded(claims())}.AAAA`],
    [
      'a token whose "shared secret" is the public key',
      async () => {
        const { keys } = (await (await fetch(`${issuer.url}/keys`)).json()) as { keys: object[] };
        const text = `${encoded({ alg: 'HS256', kid: 'one' })}.${encoded(claims())}`;
        return `${text}.${createHmac('sha256', JSON.stringify(keys[0])).update(text).digest('base64url')}`;
      },
    ],
    [
      'a token that brings its own key',
      async () => {
        const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
        const jwk = await exportJWK(publicKey);
        return await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk }).sign(privateKey);
      },
    ],
    [
      'a token with altered claims',
      async () => {
        const [head, , signature] = (await issuer.sign()).split('.');
        return `${head}.${encoded({ ...claims(), sub: 'admin' })}.${signature}`;
      },
    ],
    ['a token whose signature was taken off', async () => (await issuer.sign()).replace(/[^.]+$/, '')],
    ['what is no token', () => 'a.b.c'],
    ['a word', () => 'opensesame'],
  ])('%s', async (_what, make) => {
    const token = await make();
    const { status, headers, body } = await ping(token);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe(
      'Bearer error="invalid_token", resource_metadata="https://videos.example.com/.well-known/oauth-protected-resource/mcp"',
    );
    expect(JSON.stringify(body) + server.stderr()).not.toContain(token.slice(0, 200));
  });
});

it.each<[string, Readonly<Record<string, unknown>>, string]>([
  ['expired', { exp: 1 }, 'This token has expired: sign in again.'],
  [
    'for another server',
    { aud: 'https://other.example.com/mcp' },
    `This token is for another server: its aud has to be ${AUDIENCE}.`,
  ],
  [
    'of another issuer',
    { iss: 'https://elsewhere.example.com' },
    'This token is of another authorization server: its iss has to be ISSUER.',
  ],
  ['without an expiry', { exp: undefined }, 'This token has no valid exp: ask the operator of this server.'],
])(
  'a token that is %s is refused with what is wrong, and the log has the same sentence',
  async (_what, changed, sentence) => {
    const { status, body } = await ping(await issuer.sign(changed));
    const expected = sentence.replace('ISSUER', issuer.url);
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: { message: expected } });
    await server.logged(`"status":401,"reason":"${expected}","msg":"denied"`);
  },
);

it('a request without a token learns where to get one, without an error code', async () => {
  const { status, headers } = await server.post({ id: 1, method: 'ping' });
  expect([status, headers.get('www-authenticate')]).toEqual([
    401,
    'Bearer resource_metadata="https://videos.example.com/.well-known/oauth-protected-resource/mcp"',
  ]);
});

it.each(['', '/mcp'])('the metadata of RFC 9728 names this server and the issuer (%s)', async (path) => {
  const response = await fetch(`${server.url}/.well-known/oauth-protected-resource${path}`);
  expect(await response.json()).toEqual({
    resource: 'https://videos.example.com/mcp',
    authorization_servers: [issuer.url],
    bearer_methods_supported: ['header'],
    resource_name: 'Jimeng Video',
  });
});

it('keys are fetched once, not for each request, and not for what is no JWT', async () => {
  const before = issuer.requests.length;
  for (let index = 0; index < 5; index++) expect((await ping(await issuer.sign())).status).toBe(200);
  await ping('not-a-jwt');
  expect(issuer.requests.length).toBe(before);
});

it('an issuer of OpenID Connect alone is found, too, and a slash at its end is no difference', async () => {
  const other = await startIssuer('/.well-known/openid-configuration');
  const env = { ...environment(), JIMENG_VIDEO_OAUTH_ISSUER: `${other.url}/`, JIMENG_VIDEO_OAUTH_AUDIENCE: '' };
  const at = await startHttp(env);
  expect((await ping(await other.sign(), at)).status).toBe(200);
  // Without the setting, the audience is the public address of the endpoint.
  expect((await ping(await other.sign({ aud: 'https://videos.example.com' }), at)).status).toBe(401);
  await at.stop();
  await other.close();
});

it('while the issuer is away nobody is let in, the answer is 503, and it is found again without a restart', async () => {
  const other = await startIssuer();
  other.setAway(true);
  const at = await startHttp({ ...environment(), JIMENG_VIDEO_OAUTH_ISSUER: other.url });
  const token = await other.sign();
  const { status, headers } = await ping(token, at);
  expect([status, headers.get('retry-after')]).toEqual([503, '5']);
  const asked = other.requests.length;
  // A slow machine may take the five seconds after which it is asked again, but not for each of these.
  for (let number = 0; number < 10; number++) expect((await ping(token, at)).status).toBe(503);
  expect(other.requests.length, 'it is not asked again for each request').toBeLessThanOrEqual(asked + 1);
  other.setAway(false);
  await expect.poll(async () => (await ping(token, at)).status, { timeout: 20_000, interval: 500 }).toBe(200);
  await at.stop();
  await other.close();
});

it('metadata that names another issuer is not believed', async () => {
  const other = await startIssuer(undefined, { issuer: 'https://elsewhere.example.com' });
  const at = await startHttp({ ...environment(), JIMENG_VIDEO_OAUTH_ISSUER: other.url });
  expect((await ping(await other.sign(), at)).status).toBe(503);
  await at.logged('names another issuer');
  await at.stop();
  await other.close();
});

it.each([
  [{ JIMENG_VIDEO_OAUTH_ISSUER: 'http://login.example.com' }, 'JIMENG_VIDEO_OAUTH_ISSUER must be an https address'],
  [{ JIMENG_VIDEO_PUBLIC_URL: 'videos.example.com' }, 'JIMENG_VIDEO_PUBLIC_URL must be an http(s) address'],
  [{ JIMENG_VIDEO_PUBLIC_URL: '', JIMENG_VIDEO_OAUTH_AUDIENCE: '' }, 'JIMENG_VIDEO_OAUTH_AUDIENCE is not set'],
])('a wrong setting keeps it from starting, and names itself: %j', async (wrong, reason) => {
  const place = { env: { ...environment(), ...wrong }, workingDir: workspace.folder };
  const { code, stderr } = await startCommand(['serve', '--port', '0'], place).result;
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
});
