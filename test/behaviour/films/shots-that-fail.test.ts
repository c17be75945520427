/** What becomes of a film whose shots fail, are lost, are withdrawn or are made again. Requests are counted at the sandbox. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpegPath, hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import type { ApiFault } from '../../support/fault-plan.ts';
import { type Arguments, openStage, type Stage } from '../../support/mcp-client.ts';

describe.skipIf(hasNoFfmpeg)(`a film${needsFfmpeg}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({}, { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' });
  });
  afterAll(() => stage.close());

  const shotsOf = (name: string, ...more: readonly Arguments[]): Arguments[] =>
    more.map((shot, index) => ({ prompt: `${name} ${index + 1}`, ...shot }));

  /** The answers to queries for the task of this prompt, for as long as it is the case. */
  function answer(prompt: string, fault: ApiFault): () => void {
    let isOver = false;
    const when = ({ body }: { body: Arguments | undefined }) => !isOver && body?.task_id === stage.providerIdOf(prompt);
    stage.sandbox.faults.add({ on: 'query', fault, times: 'always', when });
    return () => {
      isOver = true;
    };
  }

  /** Until the provider has it. */
  async function untilSent(prompt: string): Promise<void> {
    await expect.poll(() => stage.providerIdOf(prompt), { timeout: 30_000 }).toBeDefined();
  }

  async function finish(filmId: string | undefined) {
    for (;;) {
      const { report, text } = await stage.call('get_video_task', { task_id: filmId, wait_seconds: 50 });
      if (report.status !== 'running') return { report, text };
    }
  }

  it.concurrent('with a shot that content review refuses waits, and is joined after its retake', async () => {
    const passes = answer('refused 2', { kind: 'business', code: 50516 });
    const given = { shots: shotsOf('refused', {}, {}, {}), output: 'refused.mp4' };
    const { report } = await stage.call('generate_film', { ...given, wait_seconds: 50 });
    expect(report.status).toBe('waiting');
    const waiting = await finish(report.film_id);
    expect(waiting.report.shots?.map(({ status }) => status)).toEqual(['done', 'failed', 'done']);
    expect(waiting.report.film).toBeUndefined();
    expect(waiting.report.message).toContain('Shot 2 failed, and was not charged. The generated video did not pass');
    expect(waiting.report.next_step).toContain(`retake_shot with {"film_id":"${report.film_id}","shot":2}`);
    passes();
    const retake = { film_id: report.film_id, shot: 2, prompt: 'refused 2, reworded' };
    const again = await stage.call('retake_shot', { ...retake, wait_seconds: 50 });
    const done = await finish(again.report.film_id);
    expect(done.report.status).toBe('done');
    expect(done.report.shots?.map(({ take }) => take)).toEqual([1, 2, 1]);
    expect(done.report.film?.path).toMatch(/refused\.mp4$/);
    expect(stage.sandbox.submits('refused 1').length + stage.sandbox.submits('refused 3').length).toBe(2);
    // The same call again, whose answer was lost: nothing new is paid.
    const repeated = await stage.call('retake_shot', { ...retake, wait_seconds: 50 });
    expect(repeated.report.message).toContain('The same already exists');
    expect(stage.sandbox.submits('refused 2, reworded').length).toBe(1);
  });

  it.concurrent('of which one shot is made again is joined under a new name, and keeps the earlier take', async () => {
    const given = {
      shots: shotsOf('again', {}, { continue: true }, { continue: true }),
      output: 'again.mp4',
      wait_seconds: 50,
    };
    const first = await finish((await stage.call('generate_film', given)).report.film_id);
    const before = first.report.film?.path ?? '';
    const shot = { film_id: first.report.film_id, shot: 1, seed: 7, wait_seconds: 50 };
    const second = await finish((await stage.call('retake_shot', shot)).report.film_id);
    const paths = [before, first.report.shots?.[0]?.path ?? '', second.report.film?.path ?? ''];
    expect(new Set(paths).size).toBe(3);
    expect(paths.map((path) => existsSync(path))).toEqual([true, true, true]);
    // Those that continue from it keep their takes.
    expect(second.report.shots?.map(({ take }) => take)).toEqual([2, 1, 1]);
    const cascade = { film_id: first.report.film_id, shot: 2, seed: 8, cascade: true, wait_seconds: 50 };
    const third = await finish((await stage.call('retake_shot', cascade)).report.film_id);
    expect(third.report.shots?.map(({ take }) => take)).toEqual([2, 2, 2]);
    expect(third.report.film?.path).not.toBe(second.report.film?.path);
    expect(third.report.cost?.estimated_cny).toBeCloseTo(6 * 1.4);
    expect(['again 1', 'again 2', 'again 3'].map((prompt) => stage.sandbox.submits(prompt).length)).toEqual([2, 2, 2]);
  });

  it.concurrent('with a shot whose outcome is unknown never sends it again by itself', async () => {
    const when = ({ body }: { body: Arguments | undefined }) => body?.prompt === 'unknown 1';
    stage.sandbox.faults.add({ on: 'submit', fault: { kind: 'cut', moment: 'after-acceptance' }, when });
    const given = { shots: shotsOf('unknown', {}, { continue: true }), wait_seconds: 50 };
    const { report } = await stage.call('generate_film', given);
    const { report: waiting } = await finish(report.film_id);
    expect([waiting.status, waiting.shots?.[0]?.status, waiting.shots?.[1]?.status]).toEqual([
      'waiting',
      'unknown',
      'queued',
    ]);
    expect(waiting.message).toContain('Whether shot 1 was made is not known, and it may have been charged');
    expect(waiting.next_step).toMatch(/retake_shot/);
    await stage.call('generate_film', given);
    await stage.call('get_video_task', { task_id: report.film_id, wait_seconds: 1 });
    expect([stage.sandbox.submits('unknown 1').length, stage.sandbox.submits('unknown 2').length]).toEqual([1, 0]);
    // What waits for it goes on with the other take.
    await stage.call('retake_shot', { film_id: report.film_id, shot: 1, wait_seconds: 50 });
    const { report: done } = await finish(report.film_id);
    expect([done.status, done.shots?.map(({ take }) => take)]).toEqual(['done', [2, 1]]);
    expect([stage.sandbox.submits('unknown 1').length, stage.sandbox.submits('unknown 2').length]).toEqual([2, 1]);
  });

  it.concurrent('that is withdrawn costs only the shots that were sent', async () => {
    const goesOn = answer('withdrawn 1', { kind: 'status-word', word: 'generating' });
    const given = { shots: shotsOf('withdrawn', {}, { continue: true }, { continue: true }), wait_seconds: 0 };
    const { report } = await stage.call('generate_film', given);
    await untilSent('withdrawn 1');
    expect(report.status).toBe('running');
    const after = await stage.call('cancel_video_task', { task_id: report.film_id });
    expect(after.report.message).toContain(
      '2 shots were withdrawn before they were sent, and cost nothing. 1 has been sent already',
    );
    goesOn();
    const { report: over } = await finish(report.film_id);
    expect(over.shots?.map(({ status }) => status)).toEqual(['done', 'cancelled', 'cancelled']);
    expect(over.cost?.estimated_cny).toBeCloseTo(1.4);
    expect([stage.sandbox.submits('withdrawn 2').length, stage.sandbox.submits('withdrawn 3').length]).toEqual([0, 0]);
  });

  it.concurrent('does not pay twice for a shot that is being made, nor for one that is still queued', async () => {
    const goesOn = answer('busy 1', { kind: 'status-word', word: 'generating' });
    const given = { shots: shotsOf('busy', {}, { continue: true }), wait_seconds: 0 };
    const { report } = await stage.call('generate_film', given);
    await untilSent('busy 1');
    const early = await stage.call('retake_shot', { film_id: report.film_id, shot: 1, seed: 3 });
    expect([early.report.status, early.report.message]).toEqual([
      'refused',
      expect.stringContaining('Shot 1 is being made now, as task jv-'),
    ]);
    const other = { film_id: report.film_id, shot: 2, prompt: 'busy 2, otherwise', wait_seconds: 0 };
    await stage.call('retake_shot', other);
    goesOn();
    const { report: done } = await finish(report.film_id);
    expect([done.status, done.shots?.map(({ take }) => take)]).toEqual(['done', [1, 2]]);
    expect([stage.sandbox.submits('busy 2').length, stage.sandbox.submits('busy 2, otherwise').length]).toEqual([0, 1]);
    expect(done.cost?.estimated_cny).toBeCloseTo(2.8);
  });

  it.concurrent('is refused whole before anything is sent', async () => {
    const cases: readonly (readonly [Arguments, RegExp])[] = [
      [
        { shots: shotsOf('bad', {}) },
        /`shots` must have 2 to 24 shots, but has 1: one shot alone is made by generate_video/,
      ],
      [{ shots: shotsOf('bad', { continue: true }, {}) }, /`continue` of shot 1 is true, and there is no shot before/],
      [
        { shots: shotsOf('bad', {}, { image: '/nowhere/x.png' }) },
        /Shot 2: `image` \(\/nowhere\/x\.png\) does not exist/,
      ],
      [
        { shots: shotsOf('bad', {}, { template_id: 'robo_arm' }) },
        /`template_id` of shot 2 needs `image` or `continue`/,
      ],
      [
        { shots: shotsOf('bad', {}, {}), keyframes: ['/a.png'] },
        /`keyframes` must have one picture more than there are shots: 3 for 2 shots, but has 1/,
      ],
      [
        { shots: shotsOf('bad', {}, {}), max_cost_cny: 2 },
        /These 2 videos together cost about ¥2\.80, and the limit of this call is ¥2\.00/,
      ],
      [{ shots: shotsOf('bad', {}, {}), audio: '/nowhere/a.mp3' }, /`audio` \(\/nowhere\/a\.mp3\) does not exist/],
      [
        {
          shots: [
            { prompt: 'bad 1', duration: 7 },
            { prompt: 'bad 2', length: 5 },
          ],
        },
        /`duration` of shot 1 must be one of 4, 5, 6, 8, 10/,
      ],
    ];
    for (const [given, sentence] of cases) {
      const { report } = await stage.call('generate_film', given);
      expect([report.status, report.message]).toEqual(['refused', expect.stringMatching(sentence)]);
    }
    expect(stage.sandbox.submits('bad 1').length + stage.sandbox.submits('bad 2').length).toBe(0);
    const { structured } = await stage.call('list_video_tasks', { limit: 50 });
    expect(JSON.stringify(structured)).not.toContain('bad 1');
  });
});
