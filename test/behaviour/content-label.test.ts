/** The content label (GB 45438) is sent where it is set, reported as written or not, and stays in the saved file. */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { type Sandbox, startSandbox } from '../support/sandbox.ts';
import { makeWorkspace } from '../support/workspace.ts';

const META = JSON.stringify({ producer_id: 'p-1', content_propagator: 'a studio' });
const WRITTEN = 'The provider wrote the content label (JIMENG_VIDEO_AIGC_META) into the video.';
const NOT_WRITTEN = 'The provider did not write the content label (JIMENG_VIDEO_AIGC_META) into the video.';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ generationSeconds: 0.1, clips: 'drawn' });
});
afterEach(() => sandbox.close());

async function generate(changes: Readonly<Record<string, string>>) {
  const workspace = makeWorkspace(sandbox, { JIMENG_VIDEO_POLL_INTERVAL: '0.05', ...changes });
  try {
    const result = await runCommand(['generate', 'a red kite', '--duration', '4', '--json'], workspace);
    const report = JSON.parse(result.stdout);
    expect([result.stderr, report.status]).toEqual([expect.anything(), 'done']);
    return { message: String(report.message), file: (await readFile(report.video.path)).toString('latin1') };
  } finally {
    await workspace.remove();
  }
}

it('is written, reported, and survives trimming', async () => {
  const { message, file } = await generate({ JIMENG_VIDEO_AIGC_META: META });
  expect(message).toContain(WRITTEN);
  expect(message).toContain('trimmed to 4 s');
  expect(file).toContain('AIGC');
  expect(file).toContain('a studio');
});

it('that the provider does not write is reported', async () => {
  sandbox.faults.add({
    on: 'query',
    times: 'always',
    fault: { kind: 'wrong-type', path: 'data.aigc_meta_tagged', value: false },
  });
  expect((await generate({ JIMENG_VIDEO_AIGC_META: META })).message).toContain(NOT_WRITTEN);
});

it('that was not set is not mentioned', async () => {
  const { message, file } = await generate({});
  expect(message).not.toContain('content label');
  expect(file).not.toContain('AIGC');
});
