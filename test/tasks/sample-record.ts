/** What does a whole record look like, for tests that are about one or two of its fields? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Log, LogFields } from '../../src/log.ts';
import type { TaskContext } from '../../src/tasks/context.ts';
import { Journal } from '../../src/tasks/journal.ts';
import { ownIdentity } from '../../src/tasks/process-identity.ts';
import { newTaskId, type TaskRecord, timeOfId } from '../../src/tasks/record.ts';

export const SCOPE = { origin: 'https://visual.volcengineapi.com', account: '0123456789abcdef' };
export const NOW = Date.parse('2026-11-22T12:00:00Z');

/** A queued 720P video of five seconds, made at the time of its id. */
export function sampleRecord(fields: Partial<TaskRecord> = {}): TaskRecord {
  const id = fields.id ?? newTaskId(NOW);
  return {
    version: 1,
    id,
    status: 'queued',
    ...SCOPE,
    sandbox: false,
    created_at: new Date(timeOfId(id)).toISOString(),
    request: { mode: 't2v_720p', prompt: '千军万马', duration: 5, fps: 24, notes: [] },
    fingerprint: 'f1',
    req_key: 'jimeng_t2v_v30',
    billed_seconds: 5,
    estimated_cny: 1.4,
    destination: null,
    owner: ownIdentity(),
    attempts: 0,
    ...fields,
  };
}

export interface LoggedLine {
  readonly event: string;
  readonly fields: LogFields | undefined;
}

export function keepingLog(): { log: Log; lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const keep = (event: string, fields?: LogFields) => void lines.push({ event, fields });
  return { log: { trace: keep, debug: keep, info: keep, warn: keep, error: keep }, lines };
}

/** A journal in a temporary folder that lasts as long as the test, and what is logged by it. */
export function newJournal(): { journal: Journal; stateDir: string; lines: LoggedLine[] } {
  const { log, lines } = keepingLog();
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const stateDir = join(folder, 'state');
  return { journal: new Journal(stateDir, SCOPE, log), stateDir, lines };
}

/** As much of a context as sums and searches over the journal need. */
export function journalContext(journal: Journal, dailyBudgetCny?: number, now = NOW): TaskContext {
  return { journal, clock: { now: () => now }, settings: { dailyBudgetCny } } as unknown as TaskContext;
}
