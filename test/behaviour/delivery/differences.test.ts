/** When the provider delivers something else than requested, the report describes the file as it is. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Arguments, openStage, type Stage } from '../../support/mcp-client.ts';
import { holdsOnly } from './delivered-files.ts';

let stage: Stage;
const links = new Map<number, string>();
beforeAll(async () => {
  stage = await openStage();
  for (const duration of [5, 10]) {
    const { report } = await stage.call('generate_video', { prompt: `${duration} s`, duration, wait_seconds: 50 });
    links.set(duration, report.video?.url ?? '');
  }
});
afterAll(() => stage.close());

/** The link of this prompt's video leads to a clip of so many seconds. */
async function deliverInstead(prompt: string, seconds: number, asked: Arguments) {
  const when = ({ taskId }: { taskId: string | undefined }) => taskId === stage.providerIdOf(prompt);
  stage.sandbox.faults.add({ on: 'video', fault: { kind: 'redirect', location: links.get(seconds) ?? '' }, when });
  return await stage.call('generate_video', { prompt, ...asked, output: `${prompt}/`, wait_seconds: 50 });
}

it.concurrent('ten seconds instead of five are reported, and kept', async () => {
  const { report, text } = await deliverInstead('longer', 10, {});
  expect([report.status, report.error, report.duration]).toEqual(['done', undefined, 5]);
  expect(report.message).toContain('The file has 10.04 s at 24 fps; the request was for 5 s at 24 fps.');
  expect(report.video?.duration_seconds).toBeCloseTo(241 / 24, 3);
  expect(text).toContain('- Duration: 10 seconds\n');
  expect(await holdsOnly(join(stage.workspace.outputDir, 'longer'), '1248x704-241')).toBe(true);
});

it.concurrent('five seconds where eight are to be cut out of ten are reported, and kept as they are', async () => {
  const { report, text } = await deliverInstead('shorter', 5, { duration: 8 });
  expect([report.status, report.error?.code, report.duration]).toEqual(['done', 'conversion_failed', 8]);
  expect(report.message).toContain('The video is 5.04 seconds long and cannot be trimmed to 8');
  expect(report.message).toContain('the original is kept');
  expect(text).toContain('- Duration: 5 seconds\n');
  expect(await holdsOnly(join(stage.workspace.outputDir, 'shorter'), '1248x704-121')).toBe(true);
});

it.concurrent('a file that is as requested has no remark', async () => {
  const { report } = await stage.call('generate_video', { prompt: 'as asked', wait_seconds: 50 });
  expect(report.message).not.toContain('the request was for');
});
