/** What GitHub reads of the repository parses, and names only what exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const filesIn = (folder: string) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
const text = z.string().min(1);

/** github.com/SchemaStore: github-workflow.json, as far as it is used here. */
const step = z.union([
  z.strictObject({
    name: text.optional(),
    if: text.optional(),
    uses: z.string().regex(/^[\w-]+\/[\w-]+@v\d+$/),
    with: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  }),
  z.strictObject({
    name: text.optional(),
    if: text.optional(),
    run: text,
    env: z.record(z.string(), z.string()).optional(),
  }),
]);
const workflow = z.strictObject({
  name: text,
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.enum(['read', 'write'])).optional(),
  concurrency: z.union([text, z.strictObject({ group: text, 'cancel-in-progress': z.boolean() })]).optional(),
  jobs: z.record(
    z.string(),
    z.strictObject({
      'runs-on': text,
      'timeout-minutes': z.number(),
      strategy: z.strictObject({ 'fail-fast': z.boolean(), matrix: z.record(z.string(), z.array(z.unknown())) }).optional(),
      'continue-on-error': text.optional(),
      permissions: z.record(z.string(), z.enum(['read', 'write'])).optional(),
      env: z.record(z.string(), z.string()).optional(),
      steps: z.array(step).min(2),
    }),
  ),
});
const WORKFLOWS = [...filesIn('.github/workflows'), 'examples/github-actions/videos.yml'];

describe.each(WORKFLOWS)('%s', (path) => {
  const parsed = workflow.parse(parse(read(path)));
  const commands = Object.values(parsed.jobs)
    .flatMap(({ steps }) => steps)
    .flatMap((each) => ('run' in each ? [each.run] : []));

  it('runs only scripts, tests and files that exist', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const all = commands.join('\n');
    for (const [, name] of all.matchAll(/npm run ([\w-]+)/g)) expect(Object.keys(scripts)).toContain(name);
    for (const [file] of all.matchAll(/(?<![\w/])(?:scripts|test|\.ci)\/[\w./-]+/g))
      expect(existsSync(join(ROOT, file)), file).toBe(true);
  });

  it('hands no text of a pull request or a person to a shell as code', () => {
    for (const command of commands) {
      for (const [, expression = ''] of command.matchAll(/\$\{\{(.*?)\}\}/g))
        expect(expression).not.toMatch(/\b(inputs|github\.event|head_ref|title|body)\b/);
    }
  });
});

it('CI runs on three systems, with each supported Node, and runs everything once', () => {
  const { jobs } = workflow.parse(parse(read('.github/workflows/ci.yml')));
  expect(jobs.systems?.strategy?.matrix).toEqual({
    os: ['ubuntu-latest', 'macos-latest', 'windows-latest'],
    node: [22, 24, 26],
  });
  expect(jobs.all?.steps.some((each) => 'run' in each && each.run === '.ci/run')).toBe(true);
});

it('a release publishes with provenance and without a stored token, after everything has passed', () => {
  const release = read('.github/workflows/release.yml');
  const { jobs } = workflow.parse(parse(release));
  expect(jobs.release?.permissions).toEqual({ contents: 'write', 'id-token': 'write' });
  expect(release).not.toMatch(/NPM_TOKEN|NODE_AUTH_TOKEN|secrets\./);
  const order = ['.ci/run', 'publish --provenance', 'npm run bundle', 'gh release create', './mcp-publisher publish'];
  const places = order.map((part) => release.indexOf(part));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places).not.toContain(-1);
});

const element = z.strictObject({
  type: z.enum(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']),
  id: z.string().regex(/^[\w-]+$/).optional(),
  attributes: z.strictObject({
    label: text.optional(),
    description: text.optional(),
    value: text.optional(),
    render: text.optional(),
    options: z.array(text).optional(),
  }),
  validations: z.strictObject({ required: z.boolean() }).optional(),
});
const form = z.strictObject({
  name: text,
  description: text,
  labels: z.array(text),
  body: z.array(element).min(1),
});

it('the issue forms keep GitHub’s rules, and ask for no secret', () => {
  const forms = filesIn('.github/ISSUE_TEMPLATE').filter((path) => !path.endsWith('config.yml'));
  expect(forms.length).toBe(2);
  for (const path of forms) {
    const { body } = form.parse(parse(read(path)));
    const fields = body.filter(({ type }) => type !== 'markdown');
    const ids = fields.map(({ id }) => id);
    expect(new Set(ids).size, path).toBe(fields.length);
    for (const { attributes, type } of fields) {
      expect(attributes.label, path).toBeDefined();
      expect(attributes.options !== undefined).toBe(type === 'dropdown');
    }
  }
  expect(read('.github/ISSUE_TEMPLATE/bug.yml')).toContain('Never paste keys');
});

it('updates of dependencies are looked for in every folder that has some', () => {
  const { version, updates } = parse(read('.github/dependabot.yml'));
  expect(version).toBe(2);
  const folders = updates.flatMap((each: { directory?: string; directories?: string[] }) => each.directories ?? [each.directory]);
  for (const folder of folders) expect(existsSync(join(ROOT, folder)), folder).toBe(true);
  for (const folder of ['/', '/test/clients', '/examples'])
    expect(existsSync(join(ROOT, folder, 'package-lock.json')) && folders.includes(folder), folder).toBe(true);
});

it('has what people expect: a change log, and how to report, to behave and to contribute', () => {
  for (const name of ['LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md'])
    expect(read(name).length, name).toBeGreaterThan(500);
  expect(existsSync(join(ROOT, '.github/pull_request_template.md'))).toBe(true);
});

it('the addresses of this repository are those of package.json', () => {
  const { homepage } = JSON.parse(read('package.json'));
  const address = homepage.replace('#readme', '');
  const documents = ['CHANGELOG.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', ...filesIn('.github/ISSUE_TEMPLATE')];
  for (const path of documents) {
    for (const [found] of read(path).matchAll(/https:\/\/github\.com\/jimeng[\w/-]+/g))
      expect(found.startsWith(`${address}/`), `${path}: ${found}`).toBe(true);
  }
});
