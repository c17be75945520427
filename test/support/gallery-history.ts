/** A history with every state that a video can be in, as records of earlier processes. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../../src/problems.ts';
import { errorOf, newTaskId, type TaskRecord } from '../../src/tasks/record.ts';
import type { GalleryStage } from './gallery-stage.ts';
import { leaveRecords } from './left-records.ts';
import { sampleTask } from './sample-task.ts';
import { CLIPS_FOLDER } from './sandbox.ts';

const MINUTE = 60_000;
const CLIP_FACTS = { width: 1248, height: 704, durationSeconds: 5.04, fps: 24 };

export const HOSTILE_PROMPT = '<img src=x onerror="document.title=1"><script>document.title=2</script> & "quotes"';

/** A file that plays, as a record names it. */
export function savedClip(folder: string, name: string) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  copyFileSync(join(CLIPS_FOLDER, '1248x704-121.mp4'), path);
  return {
    url: 'http://127.0.0.1:9/expired.mp4',
    urlValidUntil: 1,
    file: { path, bytes: 90_000, sha256: '', facts: CLIP_FACTS },
  };
}

/** @param at when it was requested, milliseconds since 1970 */
export function recordAt(at: number, changes: Partial<TaskRecord> = {}): TaskRecord {
  const { ownerAlive: _, sentAt: __, acceptedAt: ___, ...sample } = sampleTask();
  const sent = changes.status === 'queued' ? {} : { sentAt: at, acceptedAt: at + 500, finishedAt: at + 90_000 };
  return {
    ...sample,
    id: newTaskId(at),
    status: 'done',
    reservedAt: at,
    fingerprint: `print ${at} ${Math.random()}`,
    ...sent,
    ...changes,
  };
}

/** @returns each by its name */
export async function leaveHistory(stage: Pick<GalleryStage, 'workspace' | 'sandbox'>) {
  const { outputDir, stateDir } = stage.workspace;
  const now = Date.now();
  const prompted = (prompt: string, more = {}) => ({
    request: { mode: 't2v_720p', prompt, duration: 5, fps: 24, notes: [], ...more },
  });
  const failure = (code: ConstructorParameters<typeof Problem>[0], more = {}) => errorOf(new Problem(code, more));
  const records = {
    expired: recordAt(now - 900 * MINUTE, { status: 'expired', ...prompted('A lighthouse in a storm') }),
    gone: recordAt(now - 800 * MINUTE, {
      ...prompted('A whale under the ice'),
      video: {
        ...savedClip(outputDir, 'whale.mp4'),
        file: { path: join(outputDir, 'gone.mp4'), bytes: 1, sha256: '' },
      },
    }),
    hostile: recordAt(now - 20 * MINUTE, { ...prompted(HOSTILE_PROMPT), video: savedClip(outputDir, 'hostile.mp4') }),
    first: recordAt(now - 19 * MINUTE, {
      ...prompted('A paper boat on a pond', { seed: 7 }),
      video: savedClip(outputDir, 'boat.mp4'),
    }),
    another: recordAt(now - 18 * MINUTE, {
      ...prompted('A paper boat on a pond', { seed: 8 }),
      video: savedClip(outputDir, 'boat (2).mp4'),
    }),
    chinese: recordAt(now - 17 * MINUTE, {
      ...prompted('一只金毛犬在向日葵花田里奔跑', { mode: 'ti2v_pro', image: 'data URL' }),
      fen: 500,
      video: savedClip(outputDir, '金毛犬.mp4'),
    }),
    refused: recordAt(now - 16 * MINUTE, {
      status: 'failed',
      ...prompted('A portrait of somebody famous'),
      error: { ...failure('50413'), providerCode: '50413', providerText: 'Post Text Risk: <b>not</b> passed' },
    }),
    unknown: recordAt(now - 15 * MINUTE, {
      status: 'unknown',
      ...prompted('A fox in the snow'),
      error: failure('timeout'),
    }),
    unsaved: recordAt(now - 14 * MINUTE, {
      ...prompted('A train through the desert'),
      place: { folder: outputDir },
      video: { url: 'http://127.0.0.1:9/live.mp4', urlValidUntil: now + 3600_000 },
      error: failure('save_failed'),
    }),
    linkOnly: recordAt(now - 13 * MINUTE, {
      ...prompted('A link and no file'),
      video: { url: 'http://127.0.0.1:9/live.mp4', urlValidUntil: now + 3600_000 },
    }),
    withdrawn: recordAt(now - 12 * MINUTE, { status: 'cancelled', ...prompted('Never mind') }),
    left: recordAt(now - 11 * MINUTE, {
      status: 'queued',
      ...prompted('A queue whose process ended'),
      attempts: 0,
    }),
  };
  await leaveRecords(stateDir, stage.sandbox, Object.values(records));
  return records;
}
