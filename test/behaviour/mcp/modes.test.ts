/** Each of the eight modes makes a video through a real client, with exactly the right bytes on the wire. */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODE_NAMES, type ModeName, priceCny } from '../../../src/jimeng/modes.ts';
import { type Arguments, openStage, type Stage } from '../../support/mcp-client.ts';

const GOLDEN = new URL('../../golden/wire/', import.meta.url);
const FIRST = 'https://example.com/first.png';
const TAIL = 'https://example.com/tail.png';

/** Mode → what a client gives; the rest is left to the defaults. */
const GIVEN: Readonly<Record<ModeName, Arguments>> = {
  t2v_720p: { prompt: 'A golden retriever in a field of sunflowers' },
  i2v_first_720p: { prompt: 'The wind moves her hair', image: FIRST, seed: 0 },
  i2v_first_tail_720p: { prompt: '花开', image: FIRST, tail_image: TAIL, duration: 10 },
  i2v_recamera_720p: { prompt: 'A slow approach', image: FIRST, template_id: 'hitchcock_dolly_in' },
  t2v_1080p: { prompt: '千军万马 "quoted" \\ and 🏯', mode: 't2v_1080p', aspect_ratio: '21:9', seed: 2147483647 },
  i2v_first_1080p: { prompt: 'Waves', mode: 'i2v_first_1080p', image: `${FIRST}?a=1&b=%20+` },
  i2v_first_tail_1080p: { prompt: 'Dawn to dusk', mode: 'i2v_first_tail_1080p', image: FIRST, tail_image: TAIL },
  ti2v_pro: { mode: 'ti2v_pro', image: FIRST, seed: -1, duration: 10 },
};

describe('each mode', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ asProvider: true });
  });
  afterAll(() => stage.close());

  it.concurrent.each(MODE_NAMES)('%s: the golden bytes on the wire, a saved file at the end', async (mode) => {
    const { report, isError } = await stage.call('generate_video', { ...GIVEN[mode], wait_seconds: 50 });
    expect([report.status, report.mode, isError]).toEqual(['done', mode, false]);
    expect(statSync(report.video?.path ?? '').size).toBe(report.video?.bytes);
    const seconds = GIVEN[mode].duration === 10 ? 10 : 5;
    expect(report.cost).toEqual({ estimated_cny: priceCny(mode, seconds), billed_seconds: seconds, charge: 'made' });
    const golden = JSON.parse(readFileSync(new URL(`${mode}.json`, GOLDEN), 'utf8'));
    const sent = stage.sandbox.requests.filter(
      ({ operation, body }) => operation === 'submit' && body?.req_key === golden.req_key,
    );
    expect(sent.map(({ rawBody }) => rawBody)).toEqual([JSON.stringify(golden)]);
    expect(sent[0]?.target).toBe('/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31');
    expect(sent[0]?.headers['content-type']).toBe('application/json');
  });
});
