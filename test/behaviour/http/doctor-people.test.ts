/** `doctor` examines who may use a server: the file of tokens, and the authorization server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { examine } from '../../../src/cli/doctor-examine.ts';
import { systemClock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { startIssuer } from '../../support/issuer.ts';
import { makeWorkspace } from '../../support/workspace.ts';

const PUBLIC_URL = 'https://videos.example.com';
/** Nothing listens there, and no system hands such a port out to another test. */
const AWAY = 'http://127.0.0.1:2';

async function look(settings: Record<string, string>, people?: string) {
  const { env, folder: homeDir, workingDir, remove } = makeWorkspace(undefined, { JIMENG_VIDEO_API_URL: 'sandbox' });
  onTestFinished(() => remove());
  const file = join(homeDir, 'people.yaml');
  if (people !== undefined) await writeFile(file, people, { mode: 0o600 });
  const tokens = people === undefined ? {} : { JIMENG_VIDEO_TOKENS: file };
  const from = { environment: { ...env, ...tokens, ...settings }, homeDir, workingDir, platform: process.platform };
  const { signal } = new AbortController();
  const { checks, verdict } = await examine(from, { clock: systemClock, log: silentLog, signal });
  // No video needs them: the command line and the stdio server work without.
  expect(verdict).toMatch(/^You can try everything/);
  return checks.filter(({ name }) => name === 'people');
}

const anIssuer = async () => {
  const issuer = await startIssuer();
  onTestFinished(() => issuer.close());
  return issuer;
};

it('where nobody is named, nothing is examined', async () => {
  expect(await look({})).toEqual([]);
});

it('a file of tokens that can be read is fine, one that cannot is to fix', async () => {
  expect(await look({}, `- name: mei\n  sha256: ${'a'.repeat(64)}\n`)).toMatchObject([{ status: 'ok' }]);
  expect(await look({}, '- nam: mei\n')).toMatchObject([
    { status: 'fix', message: expect.stringContaining('people.yaml') },
  ]);
  expect(await look({ JIMENG_VIDEO_TOKENS: '/nowhere.yaml' })).toMatchObject([
    { status: 'fix', message: expect.stringContaining('/nowhere.yaml does not exist') },
  ]);
});

it('an authorization server that publishes its keys is fine', async () => {
  const { url } = await anIssuer();
  const found = await look({ JIMENG_VIDEO_OAUTH_ISSUER: url, JIMENG_VIDEO_PUBLIC_URL: PUBLIC_URL });
  expect(found).toEqual([{ name: 'people', status: 'ok', message: `${url}/: its keys can be fetched` }]);
});

it.each<[string, () => Promise<string> | string, RegExp]>([
  [
    'is away',
    () => AWAY,
    /^The keys of http:\/\/127\.0\.0\.1:2\/ cannot be fetched \(http:.*does not answer \(ECONNREFUSED\)\)/,
  ],
  [
    'names itself otherwise',
    async () => (await anIssuer()).url.replace('127.0.0.1', 'localhost'),
    /names another issuer/,
  ],
])('an authorization server that %s is to fix', async (_what, make, message) => {
  const found = await look({ JIMENG_VIDEO_OAUTH_ISSUER: await make(), JIMENG_VIDEO_PUBLIC_URL: PUBLIC_URL });
  expect(found).toMatchObject([
    {
      status: 'fix',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('JIMENG_VIDEO_OAUTH_ISSUER'),
    },
  ]);
});

it('an audience that nothing names is to fix', async () => {
  expect(await look({ JIMENG_VIDEO_OAUTH_ISSUER: AWAY })).toMatchObject([
    { status: 'fix', message: expect.stringContaining('JIMENG_VIDEO_OAUTH_AUDIENCE is not set') },
  ]);
});
