/** `film` makes a film of a storyboard file, `retake` makes a shot of it again, and the other commands know films. */
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { storyboardSchema } from '../../../src/cli/storyboard-file.ts';
import { hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import { COMMAND } from '../../support/run-command.ts';
import { type Stage, setStage } from './stage.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const EXAMPLES = join(ROOT, 'examples', 'films');

async function write(stage: Stage, name: string, text: string): Promise<string> {
  const path = join(stage.workingDir, name);
  await writeFile(path, text);
  return path;
}

const TWO_SHOTS = 'title: Two\nshots:\n  - prompt: one\n  - prompt: two\n    duration: 4\n';

describe.concurrent('film', () => {
  it('waits to the end, joins the shots, and shows what each of them does', async (context) => {
    const stage = await setStage(context);
    await write(stage, 'two.yaml', TWO_SHOTS);
    const { code, stdout, stderr } = await stage.run('film', 'two.yaml', '--output', 'new/two');
    const path = join(stage.workingDir, 'new', 'two.mp4');
    expect(stdout).toMatch(/^Film done: The film is saved: 2 shots, 9(\.\d+)? s\./);
    expect(stdout).toContain(`  File   ${path}\n`);
    expect(stdout).toMatch(/^ {3}1\. done \(jv-/m);
    expect((await stat(path)).size).toBeGreaterThan(10_000);
    const id = /^film (jf-\S+): recorded$/m.exec(stderr)?.[1];
    expect(stderr).toMatch(new RegExp(`^${id} shot 2: saved$`, 'm'));
    expect(code).toBe(0);

    const listed = await stage.run('list');
    expect(listed.stdout).toContain(`${id} done (2 of 2 shots saved, ${path}) Two`);
    const got = await stage.runJson('get', id ?? '');
    expect(got).toMatchObject({ code: 0, json: { film_id: id, status: 'done', film: { path } } });
    const again = await stage.run('film', 'two.yaml');
    expect(again.stdout).toContain(`The same already exists as film ${id}`);
    expect(stage.submits()).toHaveLength(2);
  });

  it('reads paths in the file from its folder, wherever it is started', async (context) => {
    const stage = await setStage(context, { generationSeconds: 60 });
    await cp(EXAMPLES, join(stage.workingDir, 'boards'), { recursive: true });
    const { code, json } = await stage.runJson('film', join('boards', 'keyframes.yaml'), '--wait-seconds', '0');
    expect([code, json.status]).toEqual([3, 'running']);
    const pictures = stage.submits().map(({ binary_data_base64: sent }) => (sent as string[]).length);
    expect(pictures).toEqual([2, 2]);
    const cancelled = await stage.run('cancel', json.film_id);
    expect(cancelled.stdout).toContain('Not cancelled');
    expect(cancelled.code).toBe(1);
  });

  it.for([
    ['continuing.yaml', 5.6],
    ['keyframes.yaml', 2.8],
    ['with-audio.json', 4.2],
  ] as const)('checks the example %s for ¥%d, and sends nothing', async ([name, price], context) => {
    const stage = await setStage(context);
    const { code, json } = await stage.runJson('film', join(EXAMPLES, name), '--dry-run');
    expect([code, json.status, json.cost.estimated_cny]).toEqual([0, 'checked', price]);
    expect(stage.submits()).toEqual([]);
  });

  it('refuses more than --max-cost allows, and sends nothing', async (context) => {
    const stage = await setStage(context);
    await write(stage, 'two.yaml', TWO_SHOTS);
    const { code, stderr } = await stage.run('film', 'two.yaml', '--max-cost', '2.79');
    expect(stderr).toContain('¥2.80');
    expect(code).toBe(2);
    expect(stage.sandbox.requests).toEqual([]);
  });

  it('says in one sentence what is wrong with a file, and sends nothing', async (context) => {
    const stage = await setStage(context);
    await write(stage, 'wrong.yaml', 'shots:\n  - prompt: one\n  - {prompt: two, image: no.png}\n');
    const { code, stderr } = await stage.run('film', 'wrong.yaml');
    expect(stderr).toMatch(/^Shot 2: `image` \(.*\/no\.png\) does not exist/);
    expect(code).toBe(2);
    expect((await stage.run('film')).stderr).toContain('FILE is missing: give the path of a storyboard');
    expect(stage.sandbox.requests).toEqual([]);
  });

  it('prints the schema that is in the package, whatever is set', async (context) => {
    const stage = await setStage(context, {}, { JIMENG_VIDEO_API_TIMEOUT: 'soon' });
    const { code, stdout } = await stage.run('film', '--schema');
    const kept = JSON.parse(await readFile(join(ROOT, 'assets', 'storyboard.schema.json'), 'utf8'));
    expect(JSON.parse(stdout)).toEqual(kept);
    expect(storyboardSchema()).toEqual(kept);
    expect(code).toBe(0);
  });
});

describe.concurrent('retake', () => {
  it('makes one shot again, keeps the first take, and joins the film under a new name', async (context) => {
    const stage = await setStage(context);
    await write(stage, 'two.yaml', TWO_SHOTS);
    const { json: film } = await stage.runJson('film', 'two.yaml');
    const { code, json } = await stage.runJson('retake', film.film_id, '2', '--prompt', 'two, but better');
    expect(json).toMatchObject({ status: 'done', shots: [{ take: 1 }, { take: 2 }] });
    expect(json.film.path).not.toBe(film.film.path);
    expect(code).toBe(0);
    const videos = (await readdir(stage.outputDir)).filter((name) => name.endsWith('.mp4'));
    expect(videos).toHaveLength(5);
  });

  it('is the next step of a film whose shot was refused, and the command exits with 1', async (context) => {
    const stage = await setStage(context);
    await write(stage, 'two.yaml', TWO_SHOTS);
    stage.sandbox.faults.add({
      on: 'submit',
      fault: { kind: 'business', code: 50412 },
      when: ({ body }) => body?.prompt === 'two',
    });
    const { code, stdout } = await stage.run('film', 'two.yaml');
    expect(stdout).toMatch(/^Film waiting: 1 of 2 shots are saved\. Shot 2 failed, and was not charged\./);
    const next = /run: (.* retake jf-\S+ 2)/.exec(stdout)?.[1];
    expect(next).toMatch(new RegExp(`^${COMMAND.replaceAll(/[.*+?()[\]\\]/g, '\\$&')} retake jf-`));
    expect(code).toBe(1);
    const args = next?.slice(COMMAND.length + 1).split(' ') ?? [];
    const retaken = await stage.run(...args, '--prompt', 'another');
    expect([retaken.code, retaken.stdout.split(':')[0]]).toEqual([0, 'Film done']);
  });

  it('says what is wrong with its arguments', async (context) => {
    const stage = await setStage(context);
    const { code, stderr } = await stage.run('retake', 'jv-mx0h914b-k89ng', 'two');
    expect(stderr).toContain('FILM_ID is not the id of a film: jf-…, as film printed it');
    expect(stderr).toContain('SHOT must be the number of a shot, from 1');
    expect(code).toBe(2);
  });
});

describe.skipIf(hasNoFfmpeg)(`the examples${needsFfmpeg}`, () => {
  it('are made completely: the one whose shots continue', async (context) => {
    const stage = await setStage(context);
    const { code, json } = await stage.runJson('film', join(EXAMPLES, 'continuing.yaml'));
    expect([code, json.status]).toEqual([0, 'done']);
    expect(json.film.duration_seconds).toBeCloseTo((121 + 121 + 145) / 24, 2);
  });
});
