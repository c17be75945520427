/** Proxies and private certificates work as they are set, and nothing is paid where they do not. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createApi } from '../../src/jimeng/api.ts';
import { silentLog } from '../../src/log.ts';
import type { ProxySettings } from '../../src/settings.ts';
import { createNetwork } from '../../src/system/network.ts';
import { makeAuthority } from '../support/certificates.ts';
import { connect } from '../support/mcp-client.ts';
import { type NamedProvider, startNamedProvider } from '../support/named-provider.ts';
import { type ProxyOptions, type ProxyServer, startProxy } from '../support/proxy-server.ts';
import { type Sandbox, startSandbox } from '../support/sandbox.ts';
import { makeWorkspace } from '../support/server-workspace.ts';

const PASSWORD = 's3cret@word';
const USER_INFO = `mei:${encodeURIComponent(PASSWORD)}`;
const HTTPS_API = 'https://provider.test';
const HTTP_API = 'http://provider.test';
const BODY = Buffer.from(JSON.stringify({ req_key: 'jimeng_t2v_v30', prompt: 'a cat', frames: 121 }));

const authority = makeAuthority();
let sandbox: Sandbox;
let secure: NamedProvider;
let misnamed: NamedProvider;
let plain: NamedProvider;

beforeAll(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.1, tasksInFlight: 1000, requestsPerSecond: 100_000 });
  secure = await startNamedProvider(sandbox, HTTPS_API, authority.issue('provider.test'));
  misnamed = await startNamedProvider(sandbox, HTTPS_API, authority.issue('other.test'));
  plain = await startNamedProvider(sandbox, HTTP_API);
});
afterAll(async () => {
  for (const server of [secure, misnamed, plain, sandbox]) await server.close();
});

async function openProxy({ onTestFinished }: TestContext, options: Partial<ProxyOptions> = {}): Promise<ProxyServer> {
  const proxy = await startProxy({ hosts: { 'provider.test': secure.port }, ...options });
  onTestFinished(() => proxy.close());
  return proxy;
}

interface Try extends Partial<ProxySettings> {
  readonly api?: string;
  readonly connectMilliseconds?: number;
}

/** One submit, in this process. */
async function submit({ onTestFinished }: TestContext, { api = HTTPS_API, connectMilliseconds, ...proxy }: Try) {
  const none = { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined };
  const network = createNetwork({ ...none, ...proxy }, connectMilliseconds);
  onTestFinished(() => network.close());
  const { credentials } = sandbox;
  const context = { credentials, apiTimeoutSeconds: 5, network, clock: systemClock, log: silentLog };
  const outcome = await createApi({ ...context, endpoint: async () => new URL(api) }).submit(BODY);
  if (outcome.kind === 'accepted') throw new Error('it was accepted');
  const { kind, problem } = outcome;
  expect(JSON.stringify([outcome, problem.message, problem.hint, String(problem.cause)])).not.toMatch(/s3cret/);
  return { kind, charge: problem.charge, message: problem.message, hint: problem.hint };
}

/** A video through the built server over stdio, and everything that it left behind, as one text. */
async function generate({ onTestFinished }: TestContext, settings: Record<string, string>) {
  const workspace = await makeWorkspace();
  onTestFinished(() => workspace.remove());
  const certificates = join(workspace.folder, 'authority.pem');
  await writeFile(certificates, authority.pem);
  const session = await connect({
    ...workspace.environment(HTTPS_API),
    NODE_EXTRA_CA_CERTS: certificates,
    LOG_LEVEL: 'trace',
    ...settings,
  });
  const asked = { prompt: `over the hills ${Math.random()}`, wait_seconds: settings.wait ? Number(settings.wait) : 50 };
  const reported = await session.call('generate_video', asked);
  await session.close();
  const state = [...(await workspace.readState()).values()].join('\n');
  const everything = [reported.text, JSON.stringify(reported.structured), session.stderr(), state].join('\n');
  expect(everything).not.toMatch(/s3cret/);
  return { ...reported, everything };
}

describe.concurrent('a video made behind a proxy', () => {
  it('is submitted, asked for and downloaded through CONNECT, with a password and a private authority', async (context) => {
    const proxy = await openProxy(context, { credentials: `mei:${PASSWORD}` });
    const { report } = await generate(context, { HTTPS_PROXY: `http://${USER_INFO}@${proxy.host}` });
    expect(report).toMatchObject({ status: 'done', video: { path: expect.any(String), bytes: expect.any(Number) } });
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT provider.test:443']));
    expect(secure.arrived).toContainEqual(expect.stringMatching(/^GET \/tos-cn-v-sandbox\//));
  });

  it('is handed on as it is over plain HTTP, whatever HTTPS_PROXY says', async (context) => {
    const proxy = await openProxy(context, { hosts: { 'provider.test': plain.port }, credentials: `mei:${PASSWORD}` });
    const { report } = await generate(context, {
      JIMENG_VIDEO_API_URL: HTTP_API,
      HTTP_PROXY: `${USER_INFO}@${proxy.host}`,
      HTTPS_PROXY: 'http://127.0.0.1:9',
    });
    expect(report.status).toBe('done');
    expect(proxy.asked[0]).toMatch(/^POST http:\/\/provider\.test\/\?Action=CVSync2AsyncSubmitTask/);
    expect(proxy.asked.at(-1)).toMatch(/^GET http:\/\/provider\.test\/tos-cn-v-sandbox\//);
  });

  it('finds a proxy that itself speaks TLS', async (context) => {
    const proxy = await openProxy(context, { certificate: authority.issue('localhost'), credentials: 'token:' });
    const address = `https://token@${proxy.host.replace('127.0.0.1', 'localhost')}`;
    const { report } = await generate(context, { HTTPS_PROXY: address });
    expect(report.status).toBe('done');
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT provider.test:443']));
  });

  it('goes to loopback without any proxy', async (context) => {
    const proxy = await openProxy(context);
    const address = `http://${proxy.host}`;
    const settings = { JIMENG_VIDEO_API_URL: sandbox.url, HTTP_PROXY: address, HTTPS_PROXY: address };
    const { report } = await generate(context, settings);
    expect(report.status).toBe('done');
    expect(proxy.asked).toEqual([]);
  });

  it('fails unpaid when the proxy refuses CONNECT, and the answer names the proxy', async (context) => {
    const proxy = await openProxy(context, { refuseWith: 403 });
    const settings = { HTTPS_PROXY: `http://${USER_INFO}@${proxy.host}`, wait: '2' };
    const { report, text, isError } = await generate(context, settings);
    expect(report).toMatchObject({ status: 'failed', cost: { charge: 'none' }, error: { code: 'not_sent' } });
    expect(text).toContain(`The proxy http://${proxy.host} refused the way to provider.test (HTTP 403)`);
    expect(isError).toBe(true);
    expect(sandbox.requests.filter(({ body }) => body?.prompt === report.prompt)).toEqual([]);
  });

  it('fails unpaid when the certificate is for another name', async (context) => {
    const proxy = await openProxy(context, { hosts: { 'provider.test': misnamed.port } });
    const { report, text } = await generate(context, { HTTPS_PROXY: `http://${proxy.host}`, wait: '2' });
    expect(report).toMatchObject({ status: 'failed', cost: { charge: 'none' } });
    expect(text).toContain('The certificate of provider.test is for another name');
    expect(misnamed.arrived).toEqual([]);
  });
});

describe.concurrent('a submit is not sent, and the sentence says what is in the way, when', () => {
  const notSent = { kind: 'not_sent', charge: 'none' };

  it('the proxy wants a password', async (context) => {
    const proxy = await openProxy(context, { credentials: 'mei:other' });
    const refused = await submit(context, { httpsProxy: `http://${USER_INFO}@${proxy.host}` });
    const message = `The proxy http://${proxy.host} wants a user name and a password, or does not take the given ones (HTTP 407), so nothing was sent.`;
    expect(refused).toMatchObject({ ...notSent, message });
    expect(refused.hint).toContain('set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT');
    expect(proxy.asked).toEqual(['CONNECT provider.test:443']);
  });

  it('the proxy is down', async (context) => {
    const proxy = await openProxy(context);
    await proxy.close();
    for (const api of [HTTPS_API, HTTP_API]) {
      const address = `http://${USER_INFO}@${proxy.host}`;
      const refused = await submit(context, { api, httpsProxy: address, httpProxy: address });
      const message = `The proxy http://${proxy.host} could not be reached (ECONNREFUSED), so nothing was sent.`;
      expect(refused).toMatchObject({ ...notSent, message });
      expect(refused.hint).toContain('name provider.test in NO_PROXY');
    }
  });

  it('the proxy never answers', async (context) => {
    const proxy = await openProxy(context, { isStuck: true });
    const refused = await submit(context, { httpsProxy: `http://${proxy.host}`, connectMilliseconds: 300 });
    expect(refused).toMatchObject({ ...notSent, message: expect.stringContaining(`http://${proxy.host} gave no`) });
  });

  it('nobody that this computer trusts signed the certificate', async (context) => {
    const proxy = await openProxy(context);
    const { message, hint, ...rest } = await submit(context, { httpsProxy: `http://${proxy.host}` });
    expect(rest).toEqual(notSent);
    expect(message).toMatch(
      /^The certificate of provider\.test is signed by nobody that this computer trusts \([A-Z_]+\)/,
    );
    expect(hint).toContain('set NODE_EXTRA_CA_CERTS to the PEM file');
  });

  it('NO_PROXY names the host, and it cannot be reached directly: the proxy is not asked', async (context) => {
    const proxy = await openProxy(context);
    const refused = await submit(context, {
      httpsProxy: `http://${proxy.host}`,
      noProxy: 'example.com, .test',
      connectMilliseconds: 2000,
    });
    expect(refused).toMatchObject(notSent);
    expect(refused.message).toMatch(/^The provider could not be reached at provider\.test \(/);
    expect(proxy.asked).toEqual([]);
  });
});

it('a proxy that was handed the request and wants a password: its outcome is unknown, and it is not sent again', async (context) => {
  const proxy = await openProxy(context, { credentials: 'mei:other' });
  const settings = { JIMENG_VIDEO_API_URL: HTTP_API, HTTP_PROXY: `http://${USER_INFO}@${proxy.host}` };
  const { report, text } = await generate(context, settings);
  expect(report).toMatchObject({ status: 'unknown', cost: { charge: 'possible' }, error: { who: 'unknown' } });
  expect(proxy.asked).toEqual([expect.stringMatching(/^POST /)]);
  expect(report.message).toContain(
    `The proxy http://${proxy.host} wants a user name and a password, or does not take the given ones (HTTP 407).`,
  );
  expect(text).toContain('Before another request: set HTTP_PROXY to http://USER:PASSWORD@HOST:PORT');
});

it("a proxy's page in place of the answer is no refusal: the submit's outcome is unknown", async (context) => {
  const proxy = await openProxy(context, { refuseWith: 403 });
  expect(await submit(context, { api: HTTP_API, httpProxy: `http://${proxy.host}` })).toMatchObject({
    kind: 'unknown',
    charge: 'possible',
  });
});

it('a proxy of a kind that is not supported refuses a paid call that needs it, unrecorded, and nothing else', async ({
  onTestFinished,
}) => {
  const workspace = await makeWorkspace();
  onTestFinished(() => workspace.remove());
  const SOCKS = { HTTPS_PROXY: `socks5://${USER_INFO}@proxy.test:1080`, LOG_LEVEL: 'silent' };
  const needing = await connect({ ...workspace.environment(HTTPS_API), ...SOCKS });
  const refused = await needing.call('generate_video', { prompt: 'a cat', wait_seconds: 0 });
  expect(refused.report).toMatchObject({ status: 'refused', error: { code: 'invalid_settings' } });
  expect(refused.report.message).toContain('HTTPS_PROXY must be the http(s) address of a proxy');
  expect(refused.text).not.toMatch(/s3cret/);
  expect((await needing.call('list_video_tasks', {})).structured).toMatchObject({ tasks: [] });
  await needing.close();

  const without = await connect({ ...workspace.environment(HTTPS_API), ...SOCKS, NO_PROXY: '*' });
  const { report } = await without.call('generate_video', { prompt: 'a cat', dry_run: true });
  expect(report.status).toBe('checked');
  await without.close();
});
