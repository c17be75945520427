/** A whole task, for tests that are about one or two of its fields. */
import type { QueueLedger } from '../../src/store/store.ts';
import type { Task } from '../../src/tasks/record.ts';
import type { VideoRequest } from '../../src/tasks/video-request.ts';

export const SUBMITTED = Date.parse('2026-11-22T08:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Five seconds of text to video, as the rules of the inputs leave it. */
export function sampleRequest(changes: Partial<VideoRequest> = {}): VideoRequest {
  return {
    mode: 't2v_720p',
    prompt: 'p',
    duration: 5,
    fps: 24,
    generatedSeconds: 5,
    image: undefined,
    tailImage: undefined,
    seed: undefined,
    aspectRatio: undefined,
    templateId: undefined,
    cameraStrength: undefined,
    ...changes,
  };
}

export function sampleTask(changes: Partial<Task> = {}): Task {
  return {
    id: 'jv-00000000-aaaaa',
    status: 'generating',
    providerStatus: 'in_queue',
    request: { mode: 't2v_720p', prompt: 'p', duration: 5, fps: 24, notes: [] },
    fingerprint: 'f',
    reqKey: 'jimeng_t2v_v30',
    billedSeconds: 5,
    fen: 140,
    sandbox: false,
    reservedAt: SUBMITTED,
    sentAt: SUBMITTED,
    acceptedAt: SUBMITTED,
    attempts: 1,
    providerTaskId: '7392616336519610409',
    place: null,
    ownerAlive: false,
    ...changes,
  };
}

export function sampleLedger(changes: Partial<QueueLedger> = {}): QueueLedger {
  return {
    now: SUBMITTED,
    head: sampleTask({ status: 'queued' }),
    headIsOurs: true,
    ours: 1,
    inFlight: 0,
    unknowns: [],
    pacing: { limit: undefined, limitUntil: 0, pausedUntil: 0, refusals: 0, probedAt: 0 },
    ...changes,
  };
}
