/** A film through the deaths of its processes, beside other processes, and within a budget. Requests are counted at the sandbox. */
import { describe, expect, it } from 'vitest';
import { ffmpegPath, hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import { type Arguments, connect, openStage, type Session, type Stage } from '../../support/mcp-client.ts';

const shotsOf = (name: string, ...more: readonly Arguments[]): Arguments[] =>
  more.map((shot, index) => ({ prompt: `${name} ${index + 1}`, ...shot }));

async function finish(session: Session, filmId: string | undefined) {
  for (;;) {
    const { report } = await session.call('get_video_task', { task_id: filmId, wait_seconds: 50 });
    if (report.status !== 'running') return report;
  }
}

describe.skipIf(hasNoFfmpeg)(`a film${needsFfmpeg}`, () => {
  const settings = { JIMENG_VIDEO_FFMPEG: ffmpegPath ?? '' };
  const another = async (stage: Stage, more: Record<string, string> = {}) =>
    await connect(
      { ...stage.workspace.environment(stage.sandbox.url, stage.sandbox.credentials), ...settings, ...more },
      stage.workspace.folder,
    );

  it('whose process was killed goes on in the next one that is asked for it, and pays for no shot twice', async () => {
    const stage = await openStage({}, settings);
    let isHeld = true;
    const fault = { kind: 'status-word', word: 'generating' } as const;
    stage.sandbox.faults.add({ on: 'query', fault, times: 'always', when: () => isHeld });
    try {
      const given = { shots: shotsOf('killed', {}, { continue: true }, { continue: true }), output: 'killed.mp4' };
      const { report } = await stage.call('generate_film', { ...given, wait_seconds: 0 });
      const first = report.shots?.[0]?.task_id;
      for (let status = ''; status !== 'generating'; ) {
        ({ status } = (await stage.call('get_video_task', { task_id: first, wait_seconds: 0 })).report);
      }
      process.kill(stage.pid, 'SIGKILL');
      isHeld = false;
      const next = await another(stage);
      // A list sends nothing of it.
      await next.call('list_video_tasks', { wait_seconds: 50, wait_for: 'any_finished' });
      const before = stage.sandbox.submits('killed 2').length;
      const done = await finish(next, report.film_id);
      expect(before).toBe(0);
      expect([done.status, done.shots?.map(({ status }) => status)]).toEqual(['done', ['done', 'done', 'done']]);
      expect([1, 2, 3].map((shot) => stage.sandbox.submits(`killed ${shot}`).length)).toEqual([1, 1, 1]);
      await next.close();
    } finally {
      await stage.close();
    }
  });

  it('that two processes ask for at once is made once', async () => {
    const stage = await openStage({}, settings);
    const other = await another(stage);
    try {
      const given = { shots: shotsOf('both', {}, {}), wait_seconds: 50 };
      const [one, two] = await Promise.all([stage.call('generate_film', given), other.call('generate_film', given)]);
      expect(one.report.film_id).toBe(two.report.film_id);
      expect((await finish(other, one.report.film_id)).status).toBe('done');
      expect([stage.sandbox.submits('both 1').length, stage.sandbox.submits('both 2').length]).toEqual([1, 1]);
    } finally {
      await other.close();
      await stage.close();
    }
  });

  it('that the budget has no room for is refused whole, and reserves nothing', async () => {
    const stage = await openStage({}, { ...settings, JIMENG_VIDEO_DAILY_BUDGET_CNY: '4' });
    try {
      const { report } = await stage.call('generate_film', { shots: shotsOf('dear', {}, {}, {}) });
      expect([report.status, report.error?.code]).toEqual(['refused', 'budget_exceeded']);
      expect(report.message).toContain('These 3 videos together cost about ¥4.20');
      const { structured } = await stage.call('list_video_tasks', {});
      expect(structured).toMatchObject({ tasks: [], films: [] });
      const { report: smaller } = await stage.call('generate_film', {
        shots: shotsOf('dear', {}, {}),
        wait_seconds: 50,
      });
      expect((await finish(stage, smaller.film_id)).status).toBe('done');
      expect(stage.sandbox.submits('dear 3')).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});
