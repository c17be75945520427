/** `join` writes one MP4 of saved videos, and `preview` a picture of one; neither sends anything or overwrites a file. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import { setStage } from './stage.ts';

describe.skipIf(hasNoFfmpeg)(`saved videos${needsFfmpeg}`, () => {
  it('are joined, and shown as a picture, relative to the current folder', async (context) => {
    const stage = await setStage(context);
    const { json } = await stage.runJson('generate', 'one', '--output', 'one.mp4');
    const sent = stage.sandbox.requests.length;
    const joined = await stage.run('join', 'one.mp4', json.task_id, '--output', 'both.mp4');
    const path = join(stage.workingDir, 'both.mp4');
    expect(joined.stdout).toContain(`  File    ${path}\n`);
    expect([joined.code, (await stat(path)).size > 10_000]).toEqual([0, true]);

    const poster = ['preview', 'both.mp4', '--frames', '1', '--output', 'poster'];
    const shown = await stage.run(...poster);
    const picture = join(stage.workingDir, 'poster.jpg');
    expect(shown.stdout).toContain(`The picture is in ${picture}.`);
    expect((await readFile(picture)).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
    const again = await stage.run(...poster);
    expect(again.stderr).toContain(`${picture} already exists.`);
    expect(again.code).toBe(2);
    expect(stage.sandbox.requests).toHaveLength(sent);
  });

  it('are needed: two to join, and a whole number of frames', async (context) => {
    const stage = await setStage(context);
    const one = await stage.run('join', 'one.mp4');
    expect(one.stderr).toContain('VIDEOS must be 2 to 50 task ids, film ids or paths');
    const many = await stage.run('preview', 'one.mp4', '--frames', '13');
    expect(many.stderr).toContain('--frames must be a whole number from 1 to 12');
    expect([one.code, many.code]).toEqual([2, 2]);
  });
});
