/** The name that a dry run reports is the one that is used, and a file that could not be named is not fetched again. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileSystem, nodeFiles } from '../../../src/system/files.ts';
import { systemError } from '../../support/failing-files.ts';
import { openStage, type Stage } from '../../support/mcp-client.ts';
import { holdsOnly } from './delivered-files.ts';
import { openHurriedStage } from './hurried-stage.ts';

describe('over stdio', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
    await mkdir(join(stage.workspace.outputDir, 'there'), { recursive: true });
    await writeFile(join(stage.workspace.outputDir, 'taken.mp4'), 'mine');
  });
  afterAll(() => stage.close());

  it.each([
    ['trip/shot.mov', 'trip/shot.mp4'],
    ['shots', 'shots.mp4'],
    ['taken.mp4', 'taken (2).mp4'],
    ['"quoted.mp4"', 'quoted.mp4'],
  ])('output %j is saved as %s, and the dry run says so', async (output, name) => {
    const path = join(stage.workspace.outputDir, name);
    const asked = { prompt: `to ${name}`, output };
    const { report: checked } = await stage.call('generate_video', { ...asked, dry_run: true });
    expect(checked.message).toContain(`It would be saved to ${path}.`);
    const { report } = await stage.call('generate_video', { ...asked, wait_seconds: 50 });
    expect(report.video?.path).toBe(path);
  });

  it.each([{ dry_run: true }, { wait_seconds: 50 }])(
    'output "kite.mov" is reported as saved in another format (%o)',
    async (how) => {
      const { report } = await stage.call('generate_video', { prompt: 'a kite', output: 'kite.mov', ...how });
      expect(report.message).toContain('The video is an MP4 file, so its name ends in .mp4 instead of .mov.');
      const { report: right } = await stage.call('generate_video', { prompt: 'a kite 2', output: 'kite2.mp4', ...how });
      expect(right.message).not.toContain('.mov');
    },
  );

  it.each(['there', 'there/', 'new/'])('output %j is a folder', async (output) => {
    const { report } = await stage.call('generate_video', { prompt: `into ${output}`, output, wait_seconds: 50 });
    expect(report.video?.path).toContain(join(stage.workspace.outputDir, output, '2'));
  });
});

it('a whole file that could not be named is kept, and named later without being fetched again', async () => {
  let isBroken = true;
  const refused = async (): Promise<void> => {
    throw systemError('EIO');
  };
  const fs: FileSystem = {
    ...nodeFiles,
    link: (...given) => (isBroken ? refused() : nodeFiles.link(...given)),
    rename: (...given) => (isBroken ? refused() : nodeFiles.rename(...given)),
  };
  const stage = await openHurriedStage({ fs });
  try {
    const { report } = await stage.call('generate_video', { prompt: 'unnamed', wait_seconds: 1800 });
    expect([report.status, report.error?.code, report.video?.path]).toEqual(['done', 'save_failed', undefined]);
    expect(report.message).toContain('the disk reports an error (EIO)');
    expect(await readdir(stage.workspace.outputDir)).toEqual([`.jimeng-video-${report.task_id}.part`]);
    isBroken = false;
    // The provider has forgotten it meanwhile.
    stage.sandbox.faults.add({ on: 'video', times: 'always', fault: { kind: 'status', status: 404 } });
    const { report: saved } = await stage.call('get_video_task', { task_id: report.task_id, wait_seconds: 1800 });
    expect([saved.status, saved.error]).toEqual(['done', undefined]);
    expect(await holdsOnly(stage.workspace.outputDir, '1248x704-121')).toBe(true);
    expect(stage.sandbox.requests.filter(({ operation }) => operation === 'video')).toHaveLength(1);
  } finally {
    await stage.close();
  }
});
