/** What does a record look like whose every value is known, so that its text can be compared whole? */
import { ownIdentity } from '../../src/tasks/process-identity.ts';
import type { TaskRecord } from '../../src/tasks/record.ts';

export const NOW = Date.parse('2026-09-01T10:02:00.000Z');

/** A t2v_720p of two minutes ago; what is given replaces what is here. */
export function recordOf(changes: Partial<TaskRecord> & Pick<TaskRecord, 'status'>): TaskRecord {
  const { status } = changes;
  const sent = status === 'queued' || status === 'cancelled' ? {} : { sent_at: '2026-09-01T10:00:00.100Z' };
  return {
    version: 1,
    id: 'jv-mf0h5s00-k7m2p',
    origin: 'https://visual.volcengineapi.com',
    account: '0123456789abcdef',
    sandbox: false,
    created_at: '2026-09-01T10:00:00.000Z',
    ...sent,
    request: { mode: 't2v_720p', prompt: 'A golden retriever in sunflowers', duration: 5, fps: 24, notes: [] },
    fingerprint: 'f',
    req_key: 'jimeng_t2v_v30',
    billed_seconds: 5,
    estimated_cny: 1.4,
    destination: { folder: '/home/you/Videos/Jimeng' },
    owner: ownIdentity(),
    attempts: 1,
    ...changes,
  };
}

/** What the provider's acceptance adds. */
export const ACCEPTED = {
  submitted_at: '2026-09-01T10:00:00.500Z',
  provider_task_id: '7392616336519610409',
  request_id: '20260901100000AF0029465CF6A74E51EC',
} as const;

/** What a finished video adds, its link still good. */
export const FINISHED = {
  finished_at: '2026-09-01T10:01:30.000Z',
  video: {
    url: 'https://v3.example.com/tos-cn-v-1/abc/?a=0&expire=1788260490&signature=ab%2F~1(c)',
    url_valid_until: '2026-09-01T11:01:30.000Z',
    file: {
      path: '/home/you/Videos/Jimeng/2026-09-01 A golden retriever k7m2p.mp4',
      bytes: 3_612_345,
      facts: { width: 1248, height: 704, duration_seconds: 121 / 24, fps: 24 },
    },
  },
} as const;
