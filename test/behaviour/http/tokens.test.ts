/** Who may use the server with a token of the list, and what happens to the list. */

import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectV1, type HttpServer, startHttp } from '../../support/http-server.ts';
import { startCommand } from '../../support/run-command.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let server: HttpServer;
let file: string;
let tokens: { mei: string; ops: string };
const env = () => ({ ...workspace.environment('sandbox'), JIMENG_VIDEO_TOKENS: file });
const token = (...args: string[]) =>
  startCommand(['serve', 'token', ...args], { env: env(), workingDir: workspace.folder }).result;
beforeAll(async () => {
  workspace = await makeWorkspace();
  file = join(workspace.folder, 'access', 'people.yaml');
  const added = [await token('add', 'mei', '--budget', '12.5'), await token('add', 'ops', '--admin')];
  const [mei = '', ops = ''] = added.map(({ stdout }) => stdout.trim());
  tokens = { mei, ops };
  server = await startHttp(env());
});
afterAll(async () => {
  await server.stop();
  await workspace.remove();
});

const ping = (bearer?: string, scheme = 'Bearer') =>
  server.post({ id: 1, method: 'ping' }, bearer === undefined ? {} : { authorization: `${scheme} ${bearer}` });

it('a new token is printed once, alone on stdout, and only its hash is in the file, which is its owner’s alone', async () => {
  const { stdout, stderr, code } = await token('add', 'a program', '--budget', '3');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^jv_[\w-]{43}\n$/)]);
  expect(stderr).not.toContain(stdout.trim());
  const text = await readFile(file, 'utf8');
  expect(text).not.toContain(stdout.trim());
  expect(text).toContain(createHash('sha256').update(stdout.trim()).digest('hex'));
  expect(text).toContain('daily_budget_cny: 3');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700);
});

it('tokens that are added and removed at the same time are all in the list, or all gone', async () => {
  const names = ['one', 'two', 'three', 'four'];
  const added = await Promise.all(names.map((name) => token('add', name)));
  expect(added.map(({ code, stderr }) => [code, stderr])).toEqual(
    names.map((name) => [0, expect.stringContaining(name)]),
  );
  const statuses = await Promise.all(added.map(async ({ stdout }) => (await ping(stdout.trim())).status));
  expect(statuses).toEqual([200, 200, 200, 200]);
  await Promise.all(names.map((name) => token('remove', name)));
  const text = await readFile(file, 'utf8');
  expect(names.filter((name) => text.includes(`name: ${name}`))).toEqual([]);
  expect((await ping(tokens.mei)).status).toBe(200);
});

it('a lock that a killed command left on the list is removed after a while; before that the command names it', async () => {
  await writeFile(`${file}.lock`, '');
  const refused = await token('add', 'late');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('people.yaml.lock')]);
  await utimes(`${file}.lock`, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  expect((await token('add', 'late')).code).toBe(0);
  expect(await readdir(join(file, '..'))).toEqual(['people.yaml']);
});

it.each([
  ['no token', undefined, 'Bearer'],
  ['an unknown one', `jv_${'a'.repeat(43)}`, 'Bearer'],
  ['another scheme', 'bWVpOm1laQ==', 'Basic'],
  ['the hash of a token', 'hash', 'Bearer'],
  ['a token and something else', 'two', 'Bearer'],
])(
  '%s is answered with 401 and WWW-Authenticate, and nothing of it is repeated or logged',
  async (_what, given, scheme) => {
    const hash = createHash('sha256').update(tokens.mei).digest('hex');
    const bearer = given === 'hash' ? hash : given === 'two' ? `${tokens.mei} x` : given;
    const { status, headers, body } = await ping(bearer, scheme);
    expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Bearer/)]);
    expect(body.error.code).toBe(-32000);
    if (bearer !== undefined) expect(JSON.stringify(body) + server.stderr()).not.toContain(bearer);
  },
);

it('a token of the list is let in, and a real client with it lists the tools', async () => {
  expect((await ping(tokens.mei)).status).toBe(200);
  const client = await connectV1(server.url, tokens.mei);
  expect((await client.listTools()).tools).toHaveLength(9);
  await client.close();
});

it('a removed token ends at the next request, and a new one begins at it, without a restart', async () => {
  const { stdout } = await token('add', 'yu');
  expect((await ping(stdout.trim())).status).toBe(200);
  expect((await token('remove', 'yu')).code).toBe(0);
  expect((await ping(stdout.trim())).status).toBe(401);
  expect((await ping(tokens.mei)).status).toBe(200);
});

it('comments and order stay when the list changes', async () => {
  const before = await readFile(file, 'utf8');
  await writeFile(file, `# The team in Hangzhou\n${before.replace('- name: ops', '# Runs the server\n- name: ops')}`);
  await token('add', 'lin');
  await token('remove', 'a program');
  const after = await readFile(file, 'utf8');
  expect(after).toMatch(/^# The team in Hangzhou\n- name: mei\n/);
  expect(after).toContain('# Runs the server\n- name: ops');
  expect(after).toMatch(/- name: lin\n/);
  expect((await ping(tokens.ops)).status).toBe(200);
});

it('a list that cannot be read lets nobody in, says so with 503, and is read again once it is right', async () => {
  const right = await readFile(file, 'utf8');
  expect((await ping(tokens.mei)).status).toBe(200);
  for (const text of [
    `${right}- name: [`,
    right.replace('daily_budget_cny', 'budget'),
    `${right}${right}`,
    'people: 5',
  ]) {
    await writeFile(file, text);
    const { status, headers } = await ping(tokens.mei);
    expect([status, headers.get('retry-after')], text).toEqual([503, '5']);
  }
  await server.logged('the list of tokens cannot be used');
  await writeFile(file, right);
  expect((await ping(tokens.mei)).status).toBe(200);
});

it.each([
  ['is missing', undefined, 'does not exist; serve token add makes it'],
  ['is no YAML', '- name: [', 'is not valid YAML or JSON (line 1)'],
  ['has a misspelt field', '- name: mei\n  sha256: SHA\n  daily_budget: 5\n', 'daily_budget'],
  ['has no hash', '- name: mei\n', 'sha256'],
  ['holds a token instead of its hash', '- name: mei\n  sha256: jv_secretsecret\n', '64 hexadecimal digits'],
  ['has a token without a name', '- sha256: SHA\n', 'entry 1 has a token and no name'],
  ['names somebody by a number', '- sub: 113456789012345678901\n', 'entry 1, sub must be'],
  ['names somebody as the log does', '- sub: https://a.example mei\n', 'with the issuer before it: leave that out'],
  ['has a * without quotes', '- sub: *\n', '"*" has to stand in quotes'],
  ['makes everybody an admin', '- sub: "*"\n  admin: true\n', 'who cannot all be admins'],
  ['names everybody', '- sub: "*"\n  name: all\n', 'for everybody else, and so has no name'],
  ['has a budget in words', '- sub: a\n  daily_budget_cny: ten\n', 'entry 1, daily_budget_cny must be an amount'],
  ['has a space too many', '- sub: "a "\n', 'has a sub that begins or ends with a space'],
  ['has the same sub twice', '- sub: a\n- sub: a\n', 'names a twice'],
  ['is a list of names', '- mei\n', 'entry 1 must be a person: name and sha256, or sub'],
  ['names somebody twice', '- &a\n  name: mei\n  sha256: SHA\n- *a\n', 'names mei twice'],
])('a list that %s keeps the server from starting: exit code 2 and the reason', async (what, text, reason) => {
  const other = join(workspace.folder, `${what}.yaml`);
  if (text !== undefined) await writeFile(other, text.replaceAll('SHA', 'a'.repeat(64)));
  const place = { env: { ...env(), JIMENG_VIDEO_TOKENS: other }, workingDir: workspace.folder };
  const { code, stderr } = await startCommand(['serve', '--port', '0'], place).result;
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  expect(stderr).toContain('JIMENG_VIDEO_TOKENS');
  expect(stderr).not.toContain('jv_secret');
});

it('a list that every user can write keeps the server from starting', async () => {
  const other = join(workspace.folder, 'open.yaml');
  await writeFile(other, '[]');
  await chmod(other, 0o666);
  const place = { env: { ...env(), JIMENG_VIDEO_TOKENS: other }, workingDir: workspace.folder };
  const { code, stderr } = await startCommand(['serve', '--port', '0'], place).result;
  expect([code, stderr]).toEqual([2, expect.stringContaining('chmod o-w')]);
});

it('a list that an editor has marked as UTF-8 is read', async () => {
  const other = join(workspace.folder, 'marked.yaml');
  await writeFile(other, `\uFEFF- name: mei\n  sha256: ${'a'.repeat(64)}\n`, { mode: 0o600 });
  const place = { env: { ...env(), JIMENG_VIDEO_TOKENS: other }, workingDir: workspace.folder };
  expect((await startCommand(['serve', 'token', 'list'], place).result).stdout).toBe('mei\n');
});

it('a list in JSON stays JSON, and a link to the list stays a link', async () => {
  const folder = join(workspace.folder, 'linked');
  await mkdir(folder);
  await writeFile(join(folder, 'real.json'), '[]\n', { mode: 0o600 });
  const link = join(folder, 'people.json');
  await symlink('real.json', link);
  const place = { env: { ...env(), JIMENG_VIDEO_TOKENS: link }, workingDir: workspace.folder };
  const { code } = await startCommand(['serve', 'token', 'add', 'mei', '--admin'], place).result;
  expect(code).toBe(0);
  const written = JSON.parse(await readFile(join(folder, 'real.json'), 'utf8'));
  expect(written).toEqual([{ name: 'mei', sha256: expect.any(String), admin: true }]);
});

it.each([
  [['add', 'mei'], 'mei has a token already'],
  [['add', '../mei'], 'NAME must be'],
  [['add', 'https://login.example.com mei'], 'NAME must be'],
  [['add', 'new', '--budget', 'much'], '--budget must be an amount'],
  [['remove', 'nobody'], 'names nobody "nobody"'],
])('a wrong command changes nothing and says why: %j', async (args, reason) => {
  const before = await readFile(file, 'utf8');
  const { code, stdout, stderr } = await token(...args);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(reason)]);
  expect(await readFile(file, 'utf8')).toBe(before);
});

it('with a list, the server may listen where others reach it', async () => {
  const open = await startHttp(env(), ['--host', '0.0.0.0']);
  expect(open.url).toMatch(/^http:\/\/0\.0\.0\.0:/);
  const response = await fetch(`${open.url.replace('0.0.0.0', '127.0.0.1')}/mcp`, { method: 'POST' });
  expect(response.status).toBe(401);
  expect(await open.stop()).toBe(0);
});

it('the list shows names, budgets and admins, and no hash', async () => {
  const { stdout } = await token('list');
  expect(stdout).toContain('mei, ¥12.50 in 24 hours\n');
  expect(stdout).toContain('ops, admin\n');
  expect(stdout).not.toMatch(/[0-9a-f]{64}/);
});
