/** What eight videos, made two at a time, cost a model that does what the server says: tokens of text and structured content together. */
import { countTokens } from 'gpt-tokenizer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Reported, type Stage } from '../../support/mcp-client.ts';
import { followSteps, type NamedCall } from '../../support/scripted-model.ts';

const SHOTS = [
  'Dawn over a fishing harbour: nets dry on the quay, gulls circle, the first boat leaves. Slow crane shot, cold blue light',
  'The skipper, a woman of sixty in yellow oilskins, coils a rope on deck. Close-up of her hands, handheld, warm side light',
  'The boat passes the lighthouse, spray over the bow. Wide tracking shot from another boat, morning sun behind the tower',
  'Under water: a shoal of herring turns as one, silver against green, the camera swims along with it',
  'The net comes up full, water pours from it, three men pull. Low angle, fast, drops on the lens',
  'Noon: soup from a thermos on the rolling deck, steam, laughter. Medium shot, soft light through the wheelhouse window',
  'Clouds build up, the sea turns grey, the boat heads home through the first rain. Aerial shot, slowly descending',
  'Evening in the harbour: crates of fish under lamps, a child runs along the quay to the skipper. Long shot, golden light',
];

/** One second of the test for each 45 of real life, in which a 720P video of 5 s takes about a minute. */
const TIME_SCALE = 1 / 45;
const GENERATION_SECONDS = 63;

let stage: Stage;
beforeAll(async () => {
  const generationSeconds = GENERATION_SECONDS * TIME_SCALE;
  stage = await openStage({ asProvider: true, generationSeconds }, { JIMENG_VIDEO_CONCURRENCY: '2' });
});
afterAll(() => stage.close());

const tokensOf = ({ text, structured }: Reported) => countTokens(text) + countTokens(JSON.stringify(structured));

it('eight 720P shots, two at a time: waiting takes under 4,000 tokens over both forms and at most 8 calls', async () => {
  // The instructions: submit_video_task for each, then list_video_tasks as its next step says.
  for (const prompt of SHOTS) {
    const answer = await stage.call('submit_video_task', { prompt });
    expect(['generating', 'queued']).toContain(answer.report.status);
  }
  const calls: (NamedCall & { tokens: number })[] = [];
  const make = async (call: NamedCall) => {
    const { wait_seconds = 0, ...given } = call.given;
    const answer = await stage.call(call.tool, { ...given, wait_seconds: Number(wait_seconds) * TIME_SCALE });
    calls.push({ ...call, tokens: tokensOf(answer) });
    return answer;
  };
  const from = performance.now();
  const first = await make({ tool: 'list_video_tasks', given: { wait_seconds: 45, wait_for: 'all_finished' } });
  const turns = await followSteps(make, first, 100);
  // Of 45 s each. A machine that stood still made the model wait longer, and so more often.
  const waits = Math.max(8, Math.ceil((performance.now() - from) / 1000) + 1);
  const waiting = calls.reduce((all, { tokens }) => all + tokens, 0);
  expect((turns.at(-1)?.answer ?? first).structured.counts).toMatchObject({ open: 0, done: 8 });
  expect(calls.length).toBeLessThanOrEqual(waits);
  expect(waiting).toBeLessThan(500 * waits);
});
