/** When the place to save to is lost after paying, the video is kept for later, and the report says where and why. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Reported, type Stage } from '../../support/mcp-client.ts';
import { holdsOnly, lookInto } from './delivered-files.ts';

/** 12.5 and 23.8 kB: neither fits into the disk below, which takes the probe that is made before paying. */
const SMALL = { mode: 't2v_1080p', duration: 5, made: '1920x1088-121' };
const LARGE = { mode: 't2v_1080p', duration: 10, made: '1920x1088-241' };

function tellDisk(action: 'mount' | 'remount', folder: string, options: string): void {
  const how = action === 'mount' ? ['-t', 'tmpfs', '-o', options, 'jimeng-test', folder] : ['-o', options, folder];
  execFileSync('mount', how, { stdio: 'ignore' });
}

function canMount(): boolean {
  const folder = tmpdir();
  try {
    // In a namespace of its own, so that a check leaves nothing behind.
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', folder], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

const cannotMount = !canMount();
const needsMount = cannotMount ? ' [skipped: no file system may be mounted here]' : '';

function expectKept({ report, text, isError }: Reported, place: string, reason: RegExp): void {
  expect([report.status, report.cost?.charge, report.error?.code, isError]).toEqual([
    'done',
    'none',
    'save_failed',
    false,
  ]);
  expect(report.message).toContain(place);
  expect(report.message).toMatch(reason);
  expect(report.message).not.toContain('.part');
  expect(report.next_step).toContain(report.task_id);
  expect(report.video?.path).toBeUndefined();
  expect(text).toContain(report.video?.url);
  expect(text).not.toContain('Save Path');
}

describe('a place that is lost after paying', () => {
  let stage: Stage;
  let disk: string;
  beforeAll(async () => {
    stage = await openStage();
    disk = join(stage.workspace.outputDir, 'disk');
    await mkdir(disk, { recursive: true });
    if (!cannotMount) tellDisk('mount', disk, 'size=16k');
  });
  afterAll(async () => {
    if (!cannotMount) execFileSync('umount', ['-l', disk]);
    await stage.close();
  });

  async function saveAgain(taskId: string | undefined, made: string, folder: string, output?: string): Promise<void> {
    const asked = { task_id: taskId, wait_seconds: 50, ...(output === undefined ? {} : { output }) };
    const { report } = await stage.call('get_video_task', asked);
    expect([report.status, report.error]).toEqual(['done', undefined]);
    expect(report.message).toContain('The video is saved.');
    expect(await holdsOnly(folder, made)).toBe(true);
  }

  describe.skipIf(cannotMount)(`on a disk${needsMount}`, () => {
    it('that is full: reported with the path and the link; saved when there is room again', async () => {
      const { made, ...asked } = LARGE;
      const reported = await stage.call('generate_video', {
        prompt: 'full',
        ...asked,
        output: 'disk/',
        wait_seconds: 50,
      });
      expectKept(reported, disk, /the disk is full \(ENOSPC\)/);
      expect((await lookInto(disk)).names).toEqual([]);
      tellDisk('remount', disk, 'remount,size=1m');
      await saveAgain(reported.report.task_id, made, disk);
    });

    it('that may not be written any more: saved when it may, or elsewhere', async () => {
      const folder = join(disk, 'closed');
      const { made, ...asked } = SMALL;
      const given = { prompt: 'closed', ...asked, output: 'disk/closed/' };
      stage.sandbox.faults.add({ on: 'query', fault: { kind: 'status-word', word: 'generating' }, times: 'always' });
      const { report } = await stage.call('submit_video_task', given);
      tellDisk('remount', disk, 'remount,ro');
      stage.sandbox.faults.clear();
      const reported = await stage.call('get_video_task', { task_id: report.task_id, wait_seconds: 50 });
      expectKept(reported, folder, /read-only \(EROFS\)/);
      expect((await lookInto(folder)).names).toEqual([]);
      await saveAgain(report.task_id, made, join(stage.workspace.outputDir, 'open'), 'open/');
    });
  });

  async function loseFolder(prompt: string): Promise<{ reported: Reported; folder: string }> {
    const folder = join(stage.workspace.outputDir, prompt);
    // When the request for the video has arrived, before it is answered.
    const when = ({ taskId }: { taskId: string | undefined }) => {
      if (taskId !== stage.providerIdOf(prompt)) return false;
      rmSync(folder, { recursive: true });
      return true;
    };
    stage.sandbox.faults.add({ on: 'video', fault: { kind: 'slow', milliseconds: 0 }, when });
    const reported = await stage.call('generate_video', { prompt, output: `${prompt}/`, wait_seconds: 50 });
    return { reported, folder };
  }

  it('a folder that is removed while the video comes: made again when the video is fetched again', async () => {
    const { reported, folder } = await loseFolder('removed');
    expectKept(reported, folder, /the folder no longer exists \(ENOENT\)/);
    await saveAgain(reported.report.task_id, '1248x704-121', folder);
  });

  it('a folder that is removed while the video comes: saved to another place', async () => {
    const { reported, folder } = await loseFolder('gone');
    expectKept(reported, folder, /the folder no longer exists/);
    await saveAgain(reported.report.task_id, '1248x704-121', join(stage.workspace.outputDir, 'other'), 'other/');
    expect(stage.sandbox.submits('gone')).toHaveLength(1);
  });
});
