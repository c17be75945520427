/** What the list of tokens says of people who sign in: budgets, admins and names, by the `sub` of their tokens. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../../support/issuer.ts';
import { startCommand } from '../../support/run-command.ts';
import { type Sandbox, startSandbox } from '../../support/sandbox.ts';
import { type Environment, makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

const MEI = 'jv_the-token-of-mei';
const LIN = 'jv_the-token-of-lin';
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
/** A video of five seconds costs ¥1.40. */
const PEOPLE = `# The team
- name: mei
  sha256: ${hashOf(MEI)}
  daily_budget_cny: 100
  admin: true
- name: lin
  sha256: ${hashOf(LIN)}
  sub: auth0|lin
  daily_budget_cny: 2
- sub: auth0|yu
  daily_budget_cny: 1.4
- sub: auth0|ops
  admin: true
- sub: auth0|no-longer
  admin: false
- sub: "*"
  daily_budget_cny: 0
`;

let workspace: Workspace;
let issuer: Issuer;
let sandbox: Sandbox;
let server: HttpServer;
let file: string;
let env: Environment;
beforeAll(async () => {
  workspace = await makeWorkspace();
  issuer = await startIssuer();
  sandbox = await startSandbox({ generationSeconds: 0.05, tasksInFlight: 100, requestsPerSecond: 100_000 });
  file = join(workspace.folder, 'people.yaml');
  await writeFile(file, PEOPLE, { mode: 0o600 });
  env = {
    ...workspace.environment(sandbox.url),
    JIMENG_VIDEO_TOKENS: file,
    JIMENG_VIDEO_OAUTH_ISSUER: issuer.url,
    JIMENG_VIDEO_OAUTH_AUDIENCE: AUDIENCE,
  };
  server = await startHttp(env, [], workspace.folder);
});
afterAll(async () => {
  await server.stop();
  await sandbox.close();
  await issuer.close();
  await workspace.remove();
});

async function call(token: string, name: string, given: object) {
  const message = { id: 1, method: 'tools/call', params: { name, arguments: given } };
  const { status, body } = await server.post(message, { authorization: `Bearer ${token}` });
  return { status, structured: body.result?.structuredContent, body };
}
const make = async (token: string, prompt: string) =>
  (await call(token, 'generate_video', { prompt, wait_seconds: 30 })).structured;
const idsOf = async (token: string): Promise<string[]> =>
  (await call(token, 'list_video_tasks', { limit: 50 })).structured.tasks.map(
    ({ task_id: id }: { task_id: string }) => id,
  );
const submits = () => sandbox.requests.filter(({ operation }) => operation === 'submit').length;

it('whoever signs in has the budget of the entry with that sub, and everybody else that of "*"', async () => {
  const yu = await issuer.sign({ sub: 'auth0|yu' });
  expect((await make(yu, 'first of yu')).status).toBe('done');
  const before = submits();
  const second = await make(yu, 'second of yu');
  expect([second.status, second.error.code]).toEqual(['refused', 'budget_exceeded']);
  const other = await make(await issuer.sign({ sub: 'auth0|new' }), 'first of somebody new');
  expect([other.status, other.error.code]).toEqual(['refused', 'budget_exceeded']);
  expect(submits()).toBe(before);
});

it('the name of a token’s person as sub gives nothing of that person: no tasks, no budget, no admin', async () => {
  const theirs = await make(MEI, 'fox of the token');
  const impostor = await issuer.sign({ sub: 'mei' });
  expect(await idsOf(MEI)).toContain(theirs.task_id);
  expect(await idsOf(impostor)).toEqual([]);
  expect((await call(impostor, 'get_video_task', { task_id: theirs.task_id })).structured.status).toBe('refused');
  const refused = await make(impostor, 'another fox');
  expect([refused.status, refused.error.code]).toEqual(['refused', 'budget_exceeded']);
});

it('an entry makes an admin of whoever signs in, or no admin of one whose token says so', async () => {
  const all = await idsOf(MEI);
  expect(await idsOf(await issuer.sign({ sub: 'auth0|ops' }))).toEqual(all);
  const scope = 'openid jimeng-video:admin';
  expect(await idsOf(await issuer.sign({ sub: 'auth0|no-longer', scope }))).toEqual([]);
  expect(await idsOf(await issuer.sign({ sub: 'auth0|by-scope', scope }))).toEqual(all);
});

it('an entry with a token and a sub is one person: the same videos, and one budget for both ways in', async () => {
  const signedIn = await issuer.sign({ sub: 'auth0|lin' });
  const { task_id: id } = await make(signedIn, 'first of lin');
  expect(await idsOf(LIN)).toEqual([id]);
  const second = await make(LIN, 'second of lin');
  expect([second.status, second.error.code]).toEqual(['refused', 'budget_exceeded']);
});

it('a changed list counts from the next request on, and one that cannot be read lets nobody in', async () => {
  const yu = await issuer.sign({ sub: 'auth0|yu' });
  await writeFile(file, PEOPLE.replace('daily_budget_cny: 1.4', 'daily_budget_cny: 2.8'));
  expect((await make(yu, 'third of yu')).status).toBe('done');
  await writeFile(file, PEOPLE.replace('daily_budget_cny: 1.4', 'daily_budget: 2.8'));
  for (const token of [yu, await issuer.sign({ sub: 'auth0|new' }), MEI]) {
    const { status, body } = await call(token, 'list_video_tasks', {});
    expect([status, body.error.message]).toEqual([503, expect.stringContaining('list of tokens')]);
  }
  await writeFile(file, PEOPLE);
  expect((await idsOf(yu)).length).toBe(2);
});

const token = (...args: string[]) =>
  startCommand(['serve', 'token', ...args], { env, workingDir: workspace.folder }).result;

it('the list shows who signs in, and a token is added and removed beside them', async () => {
  expect((await token('list')).stdout).toBe(
    [
      ...['mei, admin, ¥100.00 in 24 hours', 'lin, signs in as auth0|lin, ¥2.00 in 24 hours'],
      ...['signs in as auth0|yu, ¥1.40 in 24 hours', 'signs in as auth0|ops, admin', 'signs in as auth0|no-longer'],
      ...['everybody else who signs in, ¥0.00 in 24 hours', ''],
    ].join('\n'),
  );
  expect((await token('add', 'ann')).code).toBe(0);
  const { stderr } = await token('remove', 'lin');
  expect(stderr).toContain('Whoever signs in as auth0|lin is still let in, as somebody else');
  expect(await readFile(file, 'utf8')).toMatch(/^# The team\n[\s\S]*sub: "\*"\n {2}daily_budget_cny: 0\n- name: ann\n/);
  expect(await idsOf(await issuer.sign({ sub: 'auth0|lin' }))).toEqual([]);
});

it('a list with people who sign in and no authorization server is warned of at the start', async () => {
  const at = await startHttp({ ...env, JIMENG_VIDEO_OAUTH_ISSUER: '', JIMENG_VIDEO_OAUTH_AUDIENCE: '' });
  expect(at.stderr()).toContain('JIMENG_VIDEO_OAUTH_ISSUER is not set');
  await at.stop();
});
