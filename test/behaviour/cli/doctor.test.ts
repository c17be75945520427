/** `doctor` says whether videos can be made, finds what to fix and how, pays nothing and prints no secret. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { examine } from '../../../src/cli/doctor-examine.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { MODES } from '../../../src/jimeng/modes.ts';
import { silentLog } from '../../../src/log.ts';
import { SETTINGS } from '../../../src/settings.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { runCommand } from '../../support/run-command.ts';
import { SANDBOX_CREDENTIALS, type SandboxOptions, startSandbox } from '../../support/sandbox.ts';
import { makeWorkspace } from '../../support/workspace.ts';
import { NOBODY_LISTENS, setStage } from './stage.ts';

const SECRET = 'c3VwZXIgc2VjcmV0==';
const TOKEN = 'STS2eHidden';

type Changes = Readonly<Record<string, string | undefined>>;

interface Look {
  readonly sandbox?: SandboxOptions;
  readonly changes?: Changes;
  readonly clock?: Clock;
}

/** One examination in this process. Whatever it finds, no submit arrived, no folder was made, and no secret is shown. */
async function look({ onTestFinished }: TestContext, { sandbox: options = {}, changes = {}, clock }: Look = {}) {
  const sandbox = await startSandbox({ requestsPerSecond: 1000, asProvider: true, ...options });
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
  const toFix = finding.checks.filter(({ name, status }) => status === 'fix' && name !== 'ffmpeg');
  return { ...finding, of, toFix, sandbox, workspace };
}

const OPENED = ['720P', '1080P', 'Pro'].map((name) => ({ name, verdict: 'ready', message: 'Ready.' }));
const reqKeysOf = (resolution: string) =>
  Object.values(MODES).flatMap((mode) => (mode.resolution === resolution ? [mode.reqKey] : []));

describe('the command', () => {
  it('first says that everything can be tried in the embedded sandbox, and exits 0 without any key', async ({
    onTestFinished,
  }) => {
    const workspace = makeWorkspace(undefined, { JIMENG_VIDEO_API_URL: 'sandbox' });
    onTestFinished(() => workspace.remove());
    const { code, stdout, stderr } = await runCommand(['doctor'], workspace);
    const [verdict, ...lines] = stdout.trimEnd().split('\n');
    expect(verdict).toBe('You can try everything in the sandbox. It makes no real videos, and nothing is charged.');
    expect(lines.filter((line) => /^\S/.test(line))).toEqual(['Capabilities', 'Checks', 'Settings']);
    expect(lines).toContain("  keys           the sandbox's own; none are needed");
    expect(stdout).toMatch(/^ {2}JIMENG_VIDEO_WAIT_SECONDS +45 s \(default\)$/m);
    expect(stdout).toMatch(/^ {2}VOLC_ACCESSKEY +not set$/m);
    expect(stdout).toContain(`${workspace.outputDir} (set)`);
    expect(lines.slice(1, 5)).toEqual(['Capabilities', '  720P   Ready.', '  1080P  Ready.', '  Pro    Ready.']);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('marks a sandbox that was started separately, too', async (context) => {
    const stage = await setStage(context);
    const { code, json } = await stage.runJson('doctor');
    expect(json).toMatchObject({ status: 'ok', sandbox: true });
    expect(json.message).toBe(
      'You can try everything in the sandbox. It makes no real videos, and nothing is charged.',
    );
    expect(code).toBe(0);
  });

  it('says which videos can be made and how the others are opened, and exits 1, as JSON too', async (context) => {
    const stage = await setStage(context, { closedCapabilities: reqKeysOf('Pro'), asProvider: true });
    const { code, stdout, stderr } = await stage.run('doctor');
    expect(stdout).toMatch(
      /^You can make 720P and 1080P videos; Pro is not opened yet: open it in the Volcengine console .*\.\n/,
    );
    expect(stdout).toMatch(
      /^ {2}Pro +Not opened \(50400, jimeng_ti2v_v30_pro\)\. Open it in the Volcengine console .*\.$/m,
    );
    expect([code, stderr]).toEqual([1, '']);
    const { code: codeOfJson, json } = await stage.runJson('doctor');
    expect(json).toMatchObject({ status: 'fix', sandbox: false, version: expect.any(String) });
    expect(json.message).toContain('You can make 720P and 1080P videos');
    expect(json.capabilities.at(-1)).toMatchObject({ name: 'Pro', verdict: 'not_opened', hint: expect.any(String) });
    expect(codeOfJson).toBe(1);
    expect(stage.submits()).toEqual([]);
  });

  it('names every setting that is wrong, and exits 2', async (context) => {
    const wrong = {
      JIMENG_VIDEO_API_URL: 'http://0.0.0.0:9',
      JIMENG_VIDEO_WAIT_SECONDS: '5m',
      JIMENG_VIDEO_BUDGET: '20',
      HTTP_PROXY: `socks5://mei:${SECRET}@proxy`,
      LOG_LEVEL: 'loud',
    };
    const stage = await setStage(context, {}, wrong);
    const { code, stdout } = await stage.run('doctor');
    const [verdict, toFix] = stdout.split('\n\n');
    expect(verdict).toBe('No video can be made yet: 3 things have to be fixed first.');
    expect(toFix).toMatch(/^ {2}JIMENG_VIDEO_WAIT_SECONDS +must be a number of seconds from 0 to 1800, but is "5m"\./m);
    expect(toFix).toMatch(/^ {2}JIMENG_VIDEO_BUDGET +is not a setting; did you mean JIMENG_VIDEO_DAILY_BUDGET_CNY\?/m);
    expect(toFix).toMatch(/^ {2}HTTP_PROXY +must be the http\(s\) address of a proxy/m);
    expect(stdout).not.toContain('Capabilities');
    expect(stdout).toMatch(/WAIT_SECONDS +45 s \(default, because the value that is set is not valid\)$/m);
    expect(stdout).toMatch(/^Ignored\n {2}LOG_LEVEL +is "loud", which is none of trace/m);
    expect(stdout).not.toContain(SECRET);
    expect(code).toBe(2);
    expect(stage.sandbox.requests).toEqual([]);
  });
});

describe.concurrent('the verdict', () => {
  const closed = (...names: string[]): SandboxOptions => ({ closedCapabilities: names.flatMap(reqKeysOf) });

  it('is that all three can be made', async (context) => {
    expect((await look(context)).verdict).toBe('You can make 720P, 1080P and Pro videos.');
  });

  it('names what is not opened', async (context) => {
    expect((await look(context, { sandbox: closed('1080P', 'Pro') })).verdict).toMatch(
      /^You can make 720P videos; 1080P and Pro are not opened yet: open .*\.$/,
    );
    expect((await look(context, { sandbox: closed('720P', '1080P', 'Pro') })).verdict).toMatch(
      /^No video can be made yet; 720P, 1080P and Pro are not opened yet: open .*\.$/,
    );
  });

  it.for<[Changes, string]>([
    [{ VOLC_ACCESSKEY: undefined, VOLC_SECRETKEY: undefined }, 'VOLC_ACCESSKEY and VOLC_SECRETKEY are not set.'],
    [{ VOLC_SECRETKEY: SECRET }, 'The secret key does not belong to the access key.'],
    [{ VOLC_SECRETKEY: 'your secret key' }, 'VOLC_SECRETKEY holds a placeholder, not a key: '],
    [{ JIMENG_VIDEO_DAILY_BUDGET_CNY: '0' }, 'JIMENG_VIDEO_DAILY_BUDGET_CNY is 0, so no video may be made.'],
    [
      { JIMENG_VIDEO_CONCURENCY: '3' },
      'JIMENG_VIDEO_CONCURENCY is not a setting; did you mean JIMENG_VIDEO_CONCURRENCY?',
    ],
  ])('names what stops every video: %o', async ([changes, sentence], context) => {
    expect((await look(context, { changes })).verdict).toContain(`No video can be made yet: ${sentence}`);
  });

  it('is not spoilt by what only some videos need', async (context) => {
    const { verdict, of } = await look(context, { changes: { JIMENG_VIDEO_IMAGES: 'never', LOG_LEVEL: 'loud' } });
    expect(verdict).toBe('You can make 720P, 1080P and Pro videos.');
    expect(of('JIMENG_VIDEO_IMAGES')?.status).toBe('fix');
  });
});

describe.concurrent('the provider', () => {
  it('is asked three free queries, one for each capability', async (context) => {
    const { capabilities, sandbox } = await look(context);
    expect(capabilities).toEqual(OPENED);
    expect(sandbox.requests.map(({ body }) => body?.req_key)).toEqual([
      'jimeng_t2v_v30',
      'jimeng_t2v_v30_1080p',
      'jimeng_ti2v_v30_pro',
    ]);
  });

  it('may say 50215 of the task that does not exist: the capability is opened', async (context) => {
    const { capabilities } = await look(context, { sandbox: { unknownTask: '50215' } });
    expect(capabilities).toEqual(OPENED);
  });

  it.for(['720P', '1080P', 'Pro'])('has %s closed: it is reported, and the others are open', async (name, context) => {
    const { capabilities } = await look(context, { sandbox: { closedCapabilities: reqKeysOf(name) } });
    const other = capabilities.filter(({ verdict }) => verdict !== 'ready');
    expect(other).toMatchObject([{ name, verdict: 'not_opened', hint: expect.stringContaining('Volcengine console') }]);
    expect(capabilities).toHaveLength(3);
  });

  it.for<[string, Changes, RegExp]>([
    ['does not know the access key', { VOLC_ACCESSKEY: 'AKLTwrong' }, /^set VOLC_ACCESSKEY to an existing/],
    ['gets a wrong secret', { VOLC_SECRETKEY: SECRET }, /^set VOLC_SECRETKEY to the secret/],
    ['gets a token that it does not know', { VOLC_SESSION_TOKEN: TOKEN }, /VOLC_SESSION_TOKEN/],
  ])('%s', async ([, changes, hint], context) => {
    const { toFix, of, sandbox } = await look(context, { changes });
    expect(toFix).toMatchObject([{ name: 'keys', hint: expect.stringMatching(hint) }]);
    expect(of('provider')?.status).toBe('ok');
    expect(sandbox.requests).toHaveLength(1);
  });

  it('needs a token that is not the one that is set', async (context) => {
    const credentials = { ...SANDBOX_CREDENTIALS, sessionToken: 'STS2eRight' };
    const { toFix } = await look(context, { sandbox: { credentials }, changes: { VOLC_SESSION_TOKEN: TOKEN } });
    expect(toFix).toMatchObject([{ name: 'keys', message: 'The temporary token is wrong or expired.' }]);
  });

  it('lets the user have no policy', async (context) => {
    const { sandbox } = await look(context);
    sandbox.faults.add({ on: 'query', fault: { kind: 'gateway', code: 'LackPolicy' } });
    const { toFix, of } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url } });
    expect(toFix).toMatchObject([{ name: 'policy', hint: expect.stringContaining('CVImageProcessFullAccess') }]);
    expect(of('keys')?.status).toBe('ok');
  });

  it('is busy for a moment: it is asked again', async (context) => {
    const { sandbox } = await look(context);
    sandbox.faults.add({ on: 'query', times: 2, fault: { kind: 'business', code: 50429 } });
    const clock = { ...systemClock, sleep: async () => undefined };
    const { capabilities } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url }, clock });
    expect(capabilities).toEqual(OPENED);
  });

  it('is asked without keys: it answers, and the missing ones are named', async (context) => {
    const { toFix, of } = await look(context, { changes: { VOLC_SECRETKEY: undefined } });
    expect(toFix).toMatchObject([{ name: 'keys', message: 'VOLC_SECRETKEY is not set.' }]);
    expect(of('provider')?.status).toBe('ok');
    expect(of('clock')?.message).toBe("agrees with the provider's");
  });

  it('cannot be reached', async (context) => {
    const { toFix } = await look(context, { changes: { JIMENG_VIDEO_API_URL: NOBODY_LISTENS } });
    expect(toFix).toMatchObject([{ name: 'provider', message: expect.stringContaining('(ECONNREFUSED)') }]);
  });

  it("answers with a proxy's page", async (context) => {
    const { sandbox } = await look(context);
    sandbox.faults.add({ on: 'query', fault: { kind: 'html', status: 403 } });
    const { toFix } = await look(context, { changes: { JIMENG_VIDEO_API_URL: sandbox.url } });
    expect(toFix).toMatchObject([{ name: 'provider', hint: 'check the network and the proxy' }]);
    expect(toFix[0]?.message).toContain("The answer (HTTP 403) was not the provider's");
  });
});

describe.concurrent('the clock', () => {
  const skewed = (seconds: number): Clock => ({ ...systemClock, now: () => Date.now() + seconds * 1000 });

  it('that is 20 minutes behind is measured by the Date header, and nothing is said of the keys', async (context) => {
    const { toFix, of } = await look(context, { clock: skewed(-1200) });
    expect(toFix).toMatchObject([{ name: 'clock', hint: expect.stringMatching(/^set the clock/) }]);
    expect(toFix[0]?.message).toMatch(
      / It is 1(19\d|20\d) s behind the provider's\. The keys and the capabilities could not/,
    );
    expect(of('keys')).toBeUndefined();
  });

  it('that the provider refuses without a Date header is reported all the same', async (context) => {
    const { toFix } = await look(context, { sandbox: { now: () => Date.now() + 1_200_000 } });
    expect(toFix).toMatchObject([{ name: 'clock', message: expect.not.stringContaining('It is') }]);
  });

  it('that will soon be too wrong is to be fixed, and the rest is checked', async (context) => {
    const { toFix, capabilities } = await look(context, { clock: skewed(600) });
    expect(toFix).toMatchObject([{ name: 'clock', message: expect.stringMatching(/is (59\d|60\d) s ahead of/) }]);
    expect(capabilities).toEqual(OPENED);
  });
});

describe.concurrent('this computer', () => {
  it('has folders that are there, that will be made, and that cannot be', async (context) => {
    const { of, workspace } = await look(context);
    expect(of('output folder')?.message).toBe(`${workspace.outputDir}: will be made when it is needed`);
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
    expect(again.toFix.map(({ name }) => name)).toEqual([
      'state folder',
      'JIMENG_VIDEO_ALLOWED_DIRS',
      'JIMENG_VIDEO_IMAGE_DIRS',
    ]);
    expect(again.toFix[0]?.message).toBe(`${workspace.stateDir} is a file, where a folder is needed.`);
    expect(await readdir(workspace.outputDir)).toEqual([]);
  });

  it('has a folder that nobody can make, though its parent may be written; nothing is left of the trial', async (context) => {
    const { workspace } = await look(context);
    const outputDir = join(workspace.folder, 'new', 'x'.repeat(300));
    const before = await readdir(workspace.folder);
    const { toFix } = await look(context, { changes: { JIMENG_VIDEO_OUTPUT_DIR: outputDir } });
    expect(toFix).toMatchObject([
      { name: 'output folder', message: `${outputDir} cannot be made in ${workspace.folder} (ENAMETOOLONG).` },
    ]);
    expect(await readdir(workspace.folder)).toEqual(before);
  });

  it.skipIf(process.platform !== 'linux')('has folders below /proc, which even root cannot make', async (context) => {
    const changes = { JIMENG_VIDEO_OUTPUT_DIR: '/proc/videos', JIMENG_VIDEO_STATE_DIR: '/proc/self/state' };
    const { toFix } = await look(context, { changes });
    expect(toFix.map(({ name, message }) => [name, message])).toEqual([
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
      const { toFix } = await look(context, { changes: { JIMENG_VIDEO_STATE_DIR: link } });
      expect(toFix).toMatchObject([
        {
          name: 'state folder',
          message: `${link} cannot be made: ${link} is a link to a place that does not exist (an unplugged disk?).`,
        },
      ]);
    },
  );

  it('has an ffmpeg that is named and does not work', async (context) => {
    const { of } = await look(context);
    expect(of('ffmpeg')).toMatchObject({ status: 'fix', hint: expect.stringContaining('JIMENG_VIDEO_FFMPEG') });
  });

  it('shows every setting, and of a secret only whether it is set', async (context) => {
    const { settings } = await look(context, { changes: { VOLC_SECRETKEY: SECRET } });
    expect(settings.map(({ name }) => name)).toEqual(Object.values(SETTINGS).map(({ name }) => name));
    expect(settings.slice(1, 3).map(({ value }) => value)).toEqual(['set (not shown)', 'not set']);
  });
});

describe.concurrent('the way there', () => {
  it('leads through a proxy that is down: its address is reported, and its password is not', async (context) => {
    const changes = {
      JIMENG_VIDEO_API_URL: 'https://provider.test',
      HTTPS_PROXY: NOBODY_LISTENS.replace('//', `//mei:${SECRET}@`),
    };
    const { of, toFix, checks } = await look(context, { changes });
    expect(of('proxy')?.message).toBe(`${NOBODY_LISTENS} (HTTPS_PROXY) for provider.test`);
    expect(toFix).toMatchObject([
      { name: 'provider', message: expect.stringContaining(`The proxy ${NOBODY_LISTENS}`) },
    ]);
    expect(JSON.stringify(checks)).not.toContain(SECRET);
  });

  it('leads around the proxy where NO_PROXY says so, and to this computer anyway', async (context) => {
    const here = await look(context, { changes: { HTTP_PROXY: NOBODY_LISTENS } });
    expect(here.of('proxy')?.message).toBe('none: the API is on this computer');
    expect(here.toFix).toEqual([]);
    const changes = { JIMENG_VIDEO_API_URL: 'http://0.0.0.0:9', HTTP_PROXY: NOBODY_LISTENS, NO_PROXY: '0.0.0.0' };
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
    expect((await look(context, { changes: file('broken.pem', broken) })).of('certificates')?.status).toBe('fix');
    const gone = { NODE_EXTRA_CA_CERTS: join(workspace.folder, 'gone.pem') };
    expect((await look(context, { changes: gone })).of('certificates')?.message).toContain('(ENOENT)');
  });
});
