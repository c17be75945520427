/** Every fault of a download ends, through a tool call, in the whole file or in a sentence with the task's id. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VideoFault } from '../../support/fault-plan.ts';
import { openStage, type Stage, until } from '../../support/mcp-client.ts';
import { holdsOnly, lookInto } from './delivered-files.ts';
import { openHurriedStage } from './hurried-stage.ts';

const MADE = '1248x704-121';
const BYTES = 8521;
const HALF = BYTES >> 1;

interface Passing {
  readonly name: string;
  readonly faults: readonly VideoFault[];
  /** What is asked for after the first request: a Range, or nothing. */
  readonly ranges: readonly string[];
}

const PASSING: readonly Passing[] = [
  { name: 'a cut at the first byte', faults: [{ kind: 'cut', atByte: 0 }], ranges: [''] },
  { name: 'a cut at half', faults: [{ kind: 'cut', atByte: HALF }], ranges: [`bytes=${HALF}-`] },
  { name: 'a cut at the last byte', faults: [{ kind: 'cut', atByte: BYTES - 1 }], ranges: [`bytes=${BYTES - 1}-`] },
  {
    name: 'a cut where there is no Range',
    faults: [{ kind: 'cut', atByte: HALF }, { kind: 'no-range' }],
    ranges: [`bytes=${HALF}-`],
  },
  { name: 'a length that is too short', faults: [{ kind: 'wrong-length', difference: -100 }], ranges: [''] },
  // The 416 for a range behind the end reveals the true length.
  {
    name: 'a length that is too long',
    faults: [{ kind: 'wrong-length', difference: 100 }],
    ranges: [`bytes=${BYTES}-`],
  },
  { name: 'HTML with 200', faults: [{ kind: 'html' }], ranges: [''] },
  { name: '403', faults: [{ kind: 'status', status: 403 }], ranges: [''] },
  {
    name: '500 twice',
    faults: [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 500 },
    ],
    ranges: ['', ''],
  },
  { name: 'a redirect to itself', faults: [{ kind: 'redirect' }], ranges: [''] },
];

function videosOf(stage: Pick<Stage, 'sandbox'>, providerId: string | undefined) {
  return stage.sandbox.requests.filter(({ operation, taskId }) => operation === 'video' && taskId === providerId);
}

describe('over stdio, a fault that passes ends in the whole file and nothing beside it', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  it.concurrent.each(PASSING)('$name', async ({ name, faults, ranges }) => {
    const when = ({ taskId }: { taskId: string | undefined }) => taskId === stage.providerIdOf(name);
    stage.sandbox.faults.add(...faults.map((fault) => ({ on: 'video' as const, fault, when })));
    const folder = name.replaceAll(' ', '-');
    const given = { prompt: name, output: `${folder}/`, wait_seconds: 50 };
    const { report, isError } = await stage.call('generate_video', given);
    expect([report.status, report.error, isError]).toEqual(['done', undefined, false]);
    expect(await holdsOnly(join(stage.workspace.outputDir, folder), MADE)).toBe(true);
    const asked = videosOf(stage, stage.providerIdOf(name));
    expect(asked.slice(1).map(({ headers }) => headers.range ?? '')).toEqual(ranges);
    expect(asked.flatMap(({ headers }) => [headers.authorization, headers.cookie]).filter(Boolean)).toEqual([]);
    // A link that was refused is not asked again.
    if (name === '403') expect(new Set(asked.map(({ target }) => target)).size).toBe(2);
  });
});

it('a body that stalls is given up, and resumed', async () => {
  const stage = await openHurriedStage({ isImpatient: true });
  try {
    stage.sandbox.faults.add({ on: 'video', fault: { kind: 'stall', atByte: HALF } });
    const { report } = await stage.call('generate_video', { prompt: 'a stall', wait_seconds: 1800 });
    expect([report.status, report.error]).toEqual(['done', undefined]);
    expect(await holdsOnly(stage.workspace.outputDir, MADE)).toBe(true);
    expect(videosOf(stage, report.provider?.task_id).map(({ headers }) => headers.range)).toEqual([
      undefined,
      `bytes=${HALF}-`,
    ]);
  } finally {
    await stage.close();
  }
});

interface Lasting {
  readonly name: string;
  readonly fault: VideoFault;
  readonly reason: string;
}

const LASTING: readonly Lasting[] = [
  { name: 'cuts at the first byte', fault: { kind: 'cut', atByte: 0 }, reason: 'the connection was cut' },
  { name: 'a wrong length', fault: { kind: 'wrong-length', difference: -100 }, reason: 'is not whole' },
  { name: 'HTML with 200', fault: { kind: 'html' }, reason: 'is no MP4 video' },
  { name: '403', fault: { kind: 'status', status: 403 }, reason: 'HTTP 403' },
  { name: '500', fault: { kind: 'status', status: 500 }, reason: 'HTTP 500' },
  { name: 'a redirect loop', fault: { kind: 'redirect' }, reason: 'it redirects more than 5 times' },
];

describe('a fault that lasts ends in a sentence; once it is over, get_video_task saves the video', () => {
  it.concurrent.each(LASTING)('$name', async ({ fault, reason }) => {
    const stage = await openHurriedStage();
    try {
      stage.sandbox.faults.add({ on: 'video', times: 'always', fault });
      const { report, text } = await stage.call('generate_video', { prompt: 'a fault', wait_seconds: 1800 });
      expect([report.status, report.cost?.charge, report.error?.code]).toEqual(['done', 'none', 'save_failed']);
      expect(report.message).toContain('The video is finished, but not saved.');
      expect(report.message).toContain(reason);
      expect(report.next_step).toContain(report.task_id);
      expect(text).toContain(report.task_id);
      expect(text).toContain(report.video?.url);
      expect(report.video?.path).toBeUndefined();
      expect((await lookInto(stage.workspace.outputDir)).names).toEqual([]);

      stage.sandbox.faults.clear();
      // The call that reported the failure may still hold the task for some milliseconds.
      const again = { task_id: report.task_id, wait_seconds: 1800 };
      await until('a saved video', async () => (await stage.call('get_video_task', again)).report.error === undefined);
      expect(await holdsOnly(stage.workspace.outputDir, MADE)).toBe(true);
      expect(stage.sandbox.accepted).toHaveLength(1);
    } finally {
      await stage.close();
    }
  });
});
