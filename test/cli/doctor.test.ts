/** Does `doctor` find each thing that is to be mended, say how, pay nothing and tell no secret? */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { examine } from '../../src/cli/doctor-examine.ts';
import { checkNode } from '../../src/cli/doctor-places.ts';
import { checkSettings } from '../../src/cli/doctor-settings.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { MODES } from '../../src/jimeng/modes.ts';
import { silentLog } from '../../src/log.ts';
import { readSettings } from '../../src/settings.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startProxy } from '../support/proxy-server.ts';
import { runCommand } from '../support/run-command.ts';
import { SANDBOX_CREDENTIALS, type SandboxOptions, startSandbox } from '../support/sandbox.ts';
import { makeWorkspace } from '../support/workspace.ts';
import { setStage } from './stage.ts';

const SECRET = 'c3VwZXIgc2VjcmV0==';
const TOKEN = 'STS2eHidden';

type Changes = Readonly<Record<string, string | undefined>>;

interface Look {
  readonly sandbox?: SandboxOptions;
  readonly changes?: Changes;
  readonly clock?: Clock;
}

/** One look in this process. Whatever it finds, no submit arrived, no folder was made, and no secret is told. */
async function look({ onTestFinished }: TestContext, { sandbox: options = {}, changes = {}, clock }: Look = {}) {
  const sandbox = await startSandbox({ requestsPerSecond: 1000, ...options });
  // No ffmpeg: looking for an encoder takes a second, and is shown once.
  const workspace = makeWorkspace(sandbox, { PATH: '', JIMENG_VIDEO_FFMPEG: '/nowhere/ffmpeg', ...changes });
  onTestFinished(async () => {
    await sandbox.close();
    await workspace.remove();
  });
  const { env: environment, folder: homeDir, workingDir } = workspace;
  const before = await readdir(homeDir);
  const from = { environment, homeDir, workingDir, platform: process.platform };
  const signal = new AbortController().signal;
  const finding = await examine(from, { clock: clock ?? systemClock, log: silentLog, signal });
  expect(sandbox.requests.map(({ operation }) => operation).filter((operation) => operation !== 'query')).toEqual([]);
  expect(await readdir(homeDir)).toEqual(before);
  const text = JSON.stringify(finding);
  for (const name of ['VOLC_ACCESSKEY', 'VOLC_SECRETKEY', 'VOLC_SESSION_TOKEN']) {
    const secret = environment[name];
    if (secret !== undefined) expect(text).not.toContain(secret);
  }
  const of = (name: string) => finding.checks.find((check) => check.name === name);
  const toMend = finding.checks.filter(({ name, status }) => status === 'mend' && name !== 'ffmpeg');
  return { ...finding, of, toMend, sandbox, workspace };
}

const OPENED = ['720P', '1080P', 'Pro'].map((name) => ({ name, status: 'ok', message: 'opened' }));
const reqKeysOf = (resolution: string) =>
  Object.values(MODES).flatMap((mode) => (mode.resolution === resolution ? [mode.reqKey] : []));

describe('the command', () => {
  it('says ok line by line and exits 0 in the embedded sandbox, without any key', async ({ onTestFinished }) => {
    const workspace = makeWorkspace(undefined, { JIMENG_VIDEO_API_URL: 'sandbox' });
    onTestFinished(() => workspace.remove());
    const { code, stdout, stderr } = await runCommand(['doctor'], workspace);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => !/^ok {3}[^:]+: \S/.test(line))).toEqual([]);
    expect(lines).toContain("ok   keys: the sandbox's own; none are needed");
    expect(lines).toContain('ok   JIMENG_VIDEO_WAIT_SECONDS: 45 s (default)');
    expect(lines).toContain(`ok   JIMENG_VIDEO_OUTPUT_DIR: ${workspace.outputDir} (set)`);
    expect(lines.slice(-3)).toEqual(['ok   720P: opened', 'ok   1080P: opened', 'ok   Pro: opened']);
    expect([code, stderr]).toEqual([0, 'All is well.\n']);
  });

  it('says what to mend and exits 1, as JSON too', async (context) => {
    const stage = await setStage(context, { closedCapabilities: reqKeysOf('Pro') });
    const { code, stdout, stderr } = await stage.run('doctor');
    expect(stdout).toMatch(/^mend Pro: Not opened \(50400, jimeng_ti2v_v30_pro\)\. Open this mode's capability .*\.$/m);
    expect([code, stderr]).toEqual([1, '1 to mend.\n']);
    const { code: codeOfJson, json } = await stage.runJson('doctor');
    expect(json).toMatchObject({ status: 'mend', sandbox: false, version: expect.any(String) });
    expect(json.checks.at(-1)).toMatchObject({ name: 'Pro', status: 'mend', mend: expect.any(String) });
    expect(codeOfJson).toBe(1);
    expect(stage.submits()).toEqual([]);
  });

  it('names every setting that is wrong, and exits 2', async (context) => {
    const wrong = { JIMENG_VIDEO_WAIT_SECONDS: '5m', HTTPS_PROXY: `socks5://mei:${SECRET}@proxy`, LOG_LEVEL: 'loud' };
    const stage = await setStage(context, {}, wrong);
    const { code, stdout } = await stage.run('doctor');
    expect(stdout).toMatch(
      /^mend JIMENG_VIDEO_WAIT_SECONDS: must be a number of seconds from 0 to 1800, but is "5m"\./m,
    );
    expect(stdout).toMatch(/^mend HTTPS_PROXY: must be the http\(s\) address of a proxy/m);
    expect(stdout).toMatch(/^mend LOG_LEVEL: must be one of trace/m);
    expect(stdout).not.toContain(SECRET);
    expect(code).toBe(2);
    expect(stage.sandbox.requests).toEqual([]);
  });
});

describe.concurrent('the provider', () => {
  it('is asked three free queries, one for each capability', async (context) => {
    const { checks, sandbox } = await look(context);
    expect(checks.slice(-3)).toEqual(OPENED);
    expect(sandbox.requests.map(({ body }) => body?.req_key)).toEqual([
      'jimeng_t2v_v30',
      'jimeng_t2v_v30_1080p',
      'jimeng_ti2v_v30_pro',
    ]);
  });

  it('may say 50215 of the task that does not exist: the capability is opened', async (context) => {
    const { checks } = await look(context, { sandbox: { unknownTask: '50215' } });
    expect(checks.slice(-3)).toEqual(OPENED);
  });

  it.for(['720P', '1080P', 'Pro'])(
    'has %s closed: that one is told, and the others are opened',
    async (name, context) => {
      const { toMend, checks } = await look(context, { sandbox: { closedCapabilities: reqKeysOf(name) } });
      expect(toMend).toMatchObject([{ name, mend: expect.stringContaining('Volcengine console') }]);
      expect(checks.filter(({ message }) => message === 'opened')).toHaveLength(2);
    },
  );

  it.for<[string, Changes, RegExp]>([
    ['does not know the access key', { VOLC_ACCESSKEY: 'AKLTwrong' }, /^set VOLC_ACCESSKEY to an existing/],
    ['gets a wrong secret', { VOLC_SECRETKEY: SECRET }, /^set VOLC_SECRETKEY to the secret/],
    ['gets a token that it does not know', { VOLC_SESSION_TOKEN: TOKEN }, /VOLC_SESSION_TOKEN/],
  ])('%s', async ([, changes, mend], context) => {
    const { toMend, of, sandbox } = await look(context, { changes });
    expect(toMend).toMatchObject([{ name: 'keys', mend: expect.stringMatching(mend) }]);
    expect(of('provider')?.status).toBe('ok');
    expect(sandbox.requests).toHaveLength(1);
  });

  it('needs a token that is not the one that is set', async (context) => {
    const credentials = { ...SANDBOX_CREDENTIALS, sessionToken: 'STS2eRight' };
    const { toMend } = await look(context, { sandbox: { credentials }, changes: { VOLC_SESSION_TOKEN: TOKEN } });
    expect(toMend).toMatchObject([{ name: 'keys', message: 'The temporary token is wrong or expired.' }]);
  });

  it('lets the user have no policy', async (context) => {
    const { sandbox } = await look(context);
    sandbox.faults.add({ on: 'query', fault: { kind: 'gateway', code: 'LackPolicy' } });
    const { toMend, of } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url } });
    expect(toMend).toMatchObject([{ name: 'policy', mend: expect.stringContaining('CVImageProcessFullAccess') }]);
    expect(of('keys')?.status).toBe('ok');
  });

  it('is busy for a moment: it is asked again', async (context) => {
    const { sandbox } = await look(context);
    sandbox.faults.add({ on: 'query', times: 2, fault: { kind: 'business', code: 50429 } });
    const clock = { ...systemClock, sleep: async () => undefined };
    const { checks } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url }, clock });
    expect(checks.slice(-3)).toEqual(OPENED);
  });

  it('is asked without keys: it answers, and the missing ones are named', async (context) => {
    const { toMend, of } = await look(context, { changes: { VOLC_SECRETKEY: undefined } });
    expect(toMend).toMatchObject([{ name: 'keys', message: 'VOLC_SECRETKEY is not set.' }]);
    expect(of('provider')?.status).toBe('ok');
    expect(of('clock')?.message).toBe("agrees with the provider's");
  });

  it('cannot be reached', async (context) => {
    const { sandbox } = await look(context);
    await sandbox.close();
    const { toMend } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url } });
    expect(toMend).toMatchObject([{ name: 'provider', message: expect.stringContaining('(ECONNREFUSED)') }]);
  });

  it("answers with a proxy's page", async (context) => {
    const { sandbox } = await look(context);
    sandbox.faults.add({ on: 'query', fault: { kind: 'html', status: 403 } });
    const { toMend } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url } });
    expect(toMend).toMatchObject([{ name: 'provider', mend: 'check the network and the proxy' }]);
    expect(toMend[0]?.message).toContain("The answer (HTTP 403) was not the provider's");
  });
});

describe.concurrent('the clock', () => {
  const skewed = (seconds: number): Clock => ({ ...systemClock, now: () => Date.now() + seconds * 1000 });

  it('that is 20 minutes behind is measured by the Date header, and nothing is said of the keys', async (context) => {
    const { toMend, of } = await look(context, { clock: skewed(-1200) });
    expect(toMend).toMatchObject([{ name: 'clock', mend: expect.stringMatching(/^set the clock/) }]);
    expect(toMend[0]?.message).toMatch(
      / It is 1(19\d|20\d) s behind the provider's\. The keys and the capabilities could not/,
    );
    expect(of('keys')).toBeUndefined();
  });

  it('that the provider refuses without a Date to measure by is told all the same', async (context) => {
    const { toMend } = await look(context, { sandbox: { now: () => Date.now() + 1_200_000 } });
    expect(toMend).toMatchObject([{ name: 'clock', message: expect.not.stringContaining('It is') }]);
  });

  it('that will soon be too wrong is to be mended, and the rest is checked', async (context) => {
    const { toMend, checks } = await look(context, { clock: skewed(600) });
    expect(toMend).toMatchObject([{ name: 'clock', message: expect.stringMatching(/is (59\d|60\d) s ahead of/) }]);
    expect(checks.slice(-3)).toEqual(OPENED);
  });
});

describe.concurrent('this computer', () => {
  it('has folders that are there, that will be made, and that cannot be', async (context) => {
    const { of, workspace } = await look(context);
    expect(of('output folder')?.message).toBe(`${workspace.outputDir}: made when it is needed`);
    mkdirSync(workspace.outputDir);
    writeFileSync(workspace.stateDir, 'in the way');
    const changes = {
      JIMENG_VIDEO_OUTPUT_DIR: workspace.outputDir,
      JIMENG_VIDEO_STATE_DIR: workspace.stateDir,
      JIMENG_VIDEO_ALLOWED_DIRS: join(workspace.stateDir, 'inside'),
      JIMENG_VIDEO_IMAGE_DIRS: join(workspace.folder, 'gone'),
    };
    const again = await look(context, { changes });
    expect(again.of('output folder')?.message).toBe(`${workspace.outputDir}: exists, writable`);
    expect(again.toMend.map(({ name }) => name)).toEqual([
      'state folder',
      'JIMENG_VIDEO_ALLOWED_DIRS',
      'JIMENG_VIDEO_IMAGE_DIRS',
    ]);
    expect(again.toMend[0]?.message).toBe(`${workspace.stateDir} is a file, where a folder is needed.`);
    expect(await readdir(workspace.outputDir)).toEqual([]);
  });

  it('has a folder that nobody can make, though its parent may be written; nothing is left of the trial', async (context) => {
    const { workspace } = await look(context);
    const outputDir = join(workspace.folder, 'new', 'x'.repeat(300));
    const before = await readdir(workspace.folder);
    const { toMend } = await look(context, { changes: { JIMENG_VIDEO_OUTPUT_DIR: outputDir } });
    expect(toMend).toMatchObject([
      { name: 'output folder', message: `${outputDir} cannot be made in ${workspace.folder} (ENAMETOOLONG).` },
    ]);
    expect(await readdir(workspace.folder)).toEqual(before);
  });

  it.skipIf(process.platform !== 'linux')('has folders below /proc, which even root cannot make', async (context) => {
    const changes = { JIMENG_VIDEO_OUTPUT_DIR: '/proc/videos', JIMENG_VIDEO_STATE_DIR: '/proc/self/state' };
    const { toMend } = await look(context, { changes });
    expect(toMend.map(({ name, message }) => [name, message])).toEqual([
      ['output folder', expect.stringMatching(/^\/proc\/videos cannot be made in \/proc \(E[A-Z]+\)\.$/)],
      ['state folder', expect.stringMatching(/^\/proc\/self\/state cannot be made in \/proc\/self \(E[A-Z]+\)\.$/)],
    ]);
  });

  it.skipIf(process.platform === 'win32')(
    'has a link that leads nowhere, where no folder can be made',
    async (context) => {
      const { workspace } = await look(context);
      const link = join(workspace.folder, 'link');
      symlinkSync(join(workspace.folder, 'gone'), link);
      const { toMend } = await look(context, { changes: { JIMENG_VIDEO_STATE_DIR: link } });
      expect(toMend).toMatchObject([{ name: 'state folder', message: `${link} cannot be made in ${link} (EEXIST).` }]);
    },
  );

  it('has an ffmpeg that is named and does not work', async (context) => {
    const { of } = await look(context);
    expect(of('ffmpeg')).toMatchObject({ status: 'mend', mend: expect.stringContaining('JIMENG_VIDEO_FFMPEG') });
  });

  it('has a Node that is too old, or new enough', () => {
    expect(checkNode('18.20.0', '>=20.18.1')).toMatchObject({ status: 'mend', mend: expect.stringContaining('newer') });
    expect(checkNode('20.18.0', '>=20.18.1').status).toBe('mend');
    for (const version of ['20.18.1', '20.19.0', '22.0.0']) expect(checkNode(version, '>=20.18.1').status).toBe('ok');
  });

  it('tells every variable that is read, and of a secret only that it is set', () => {
    const names = new Set<string>();
    const environment = new Proxy({}, { get: (_, name) => void names.add(String(name)) });
    const read = readSettings({ environment, homeDir: '/home/you', workingDir: '/', platform: 'linux' });
    const told = checkSettings(read).map(({ name }) => name);
    expect(told.sort()).toEqual([...names].filter((name) => /^(VOLC_|JIMENG_|LOG_LEVEL$)/.test(name)).sort());
  });
});

describe.concurrent('the way there', () => {
  it('leads through a proxy that is down: its address is told, and its password is not', async (context) => {
    const proxy = await startProxy({ hosts: {} });
    await proxy.close();
    const changes = {
      JIMENG_VIDEO_API_URL: 'https://provider.test',
      HTTPS_PROXY: `http://mei:${SECRET}@${proxy.host}`,
    };
    const { of, toMend, checks } = await look(context, { changes });
    expect(of('proxy')?.message).toBe(`http://${proxy.host} (HTTPS_PROXY) for provider.test`);
    expect(toMend).toMatchObject([
      { name: 'provider', message: expect.stringContaining(`The proxy http://${proxy.host}`) },
    ]);
    expect(JSON.stringify(checks)).not.toContain(SECRET);
  });

  it('leads around the proxy where NO_PROXY says so, and to this computer anyway', async (context) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const closed = (server.address() as AddressInfo).port;
    await new Promise((resolve) => server.close(resolve));
    const address = `http://127.0.0.1:${closed}`;
    const here = await look(context, { changes: { HTTP_PROXY: address } });
    expect(here.of('proxy')?.message).toBe('none: the API is on this computer');
    expect(here.toMend).toEqual([]);
    const changes = { JIMENG_VIDEO_API_URL: 'http://0.0.0.0:9', HTTP_PROXY: address, NO_PROXY: '0.0.0.0' };
    const { of } = await look(context, { changes });
    expect(of('proxy')?.message).toBe('none: NO_PROXY names 0.0.0.0');
  });

  it('is secured by more authorities, from a file that is right, wrong or missing', async (context) => {
    const { workspace, of } = await look(context);
    expect(of('certificates')?.status).toBe('ok');
    const file = (name: string, text: string) => {
      writeFileSync(join(workspace.folder, name), text);
      return { NODE_EXTRA_CA_CERTS: join(workspace.folder, name) };
    };
    const right = await look(context, { changes: file('right.pem', `# ours\n${makeAuthority().pem}`) });
    expect(right.of('certificates')?.message).toContain('and 1 of');
    const empty = await look(context, { changes: file('empty.pem', 'nothing') });
    expect(empty.of('certificates')?.message).toContain('holds no certificate.');
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    expect((await look(context, { changes: file('broken.pem', broken) })).of('certificates')?.status).toBe('mend');
    const gone = { NODE_EXTRA_CA_CERTS: join(workspace.folder, 'gone.pem') };
    expect((await look(context, { changes: gone })).of('certificates')?.message).toContain('(ENOENT)');
  });
});
