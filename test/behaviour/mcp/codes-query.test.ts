/** A code at a query ends a task only where it is about that task. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiFault } from '../../support/fault-plan.ts';
import { openStage, type Stage, until, whenAskedFor } from '../../support/mcp-client.ts';

const DEFINITE = [
  ...[50411, 50511, 50412, 50512, 50413, 50516, 50517, 50518, 50519, 50520, 50521, 50522, 50215],
] as const;

/** The operator has to fix these, and the text says how. */
const OPERATORS = [
  ['50400', { kind: 'business', code: 50400 }, 'Volcengine console'],
  ['MissingParameter', { kind: 'gateway', code: 'MissingParameter' }, 'report this as a bug'],
  ['MissingAuthenticationToken', { kind: 'gateway', code: 'MissingAuthenticationToken' }, 'report this as a bug'],
  ['MissingSignature', { kind: 'gateway', code: 'MissingSignature' }, 'report this as a bug'],
  ['InvalidTimestamp', { kind: 'gateway', code: 'InvalidTimestamp' }, 'set the clock'],
  ['ServiceNotFound', { kind: 'gateway', code: 'ServiceNotFound' }, 'report this as a bug'],
  ['InvalidActionOrVersion', { kind: 'gateway', code: 'InvalidActionOrVersion' }, 'report this as a bug'],
  ['InvalidAccessKey', { kind: 'gateway', code: 'InvalidAccessKey' }, 'set VOLC_ACCESSKEY'],
  ['SignatureDoesNotMatch', { kind: 'gateway', code: 'SignatureDoesNotMatch' }, 'set VOLC_SECRETKEY'],
  ['LackPolicy', { kind: 'gateway', code: 'LackPolicy' }, 'CVImageProcessFullAccess'],
  ['AccessDenied', { kind: 'gateway', code: 'AccessDenied' }, 'CVImageProcessFullAccess'],
  ['InvalidAuthorization', { kind: 'gateway', code: 'InvalidAuthorization' }, 'report this as a bug'],
  ['InvalidCredential', { kind: 'gateway', code: 'InvalidCredential' }, 'report this as a bug'],
  ['InvalidSecretToken', { kind: 'gateway', code: 'InvalidSecretToken' }, 'VOLC_SESSION_TOKEN'],
] as const satisfies readonly (readonly [string, ApiFault, string])[];

const PASSING = [
  ...[50200, 50429, 50430, 50500, 50501].map((code) => [String(code), { kind: 'business', code }] as const),
  ...['InternalError', 'FailToConnect', 'InternalServiceTimeout', 'FlowLimitExceeded', 'AccountFlowLimitExceeded'].map(
    (code) => [code, { kind: 'gateway', code }] as const,
  ),
  ['ServiceUnavailableTemp', { kind: 'gateway', code: 'ServiceUnavailableTemp' }] as const,
];

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ asProvider: true });
});
afterAll(() => stage.close());

function block(prompt: string, fault: ApiFault, times: number): void {
  stage.sandbox.faults.add({ on: 'query', when: whenAskedFor(stage, prompt), fault, times });
}

describe('a code at a query', () => {
  it.concurrent.each(DEFINITE)('%s ends the task: failed, nothing charged', async (code) => {
    const prompt = `query answered ${code}`;
    block(prompt, { kind: 'business', code }, 1);
    const { report, isError } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    expect(report).toMatchObject({ status: 'failed', error: { code: String(code) }, cost: { charge: 'none' } });
    expect([isError, report.message.includes('Nothing was charged.')]).toEqual([true, true]);
  });

  it.concurrent.each(OPERATORS)(
    '%s: unaffected, the fix is reported, and the video arrives',
    async (code, fault, hint) => {
      const prompt = `query blocked by ${code}`;
      // Few: all of these together share ten queries a second.
      block(prompt, fault, 4);
      const { report: submitted } = await stage.call('submit_video_task', { prompt });
      const { task_id } = submitted;
      let blocked = submitted;
      await until('the polling problem', async () => {
        ({ report: blocked } = await stage.call('get_video_task', { task_id, wait_seconds: 0 }));
        return blocked.error !== undefined;
      });
      expect(blocked).toMatchObject({ error: { code, who: 'operator' }, cost: { charge: 'possible' } });
      expect(blocked.status).toBe('generating');
      expect(blocked.message).toContain('The task is unaffected, and polling goes on.');
      expect(blocked.next_step?.toLowerCase()).toContain(hint.toLowerCase());
      const { report, isError } = await stage.call('get_video_task', { task_id, wait_seconds: 50 });
      expect([report.status, report.error, isError]).toEqual(['done', undefined, false]);
    },
  );

  it.concurrent.each(PASSING)('%s: queried again, and the video arrives', async (code, fault) => {
    const prompt = `query met ${code}`;
    block(prompt, fault, 2);
    const { report, isError } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    expect([report.status, isError]).toEqual(['done', false]);
  });
});

describe('ten failed queries in a row, in the middle of polling', () => {
  it('do not lose the video', async () => {
    const prompt = 'ten failures in a row';
    stage.sandbox.faults.add({
      on: 'query',
      when: whenAskedFor(stage, prompt),
      fault: { kind: 'status-word', word: 'generating' },
    });
    block(prompt, { kind: 'cut' }, 3);
    block(prompt, { kind: 'html', status: 502 }, 2);
    block(prompt, { kind: 'truncated', how: 'cut-json' }, 2);
    block(prompt, { kind: 'truncated', how: 'short-body' }, 1);
    block(prompt, { kind: 'html', status: 504 }, 2);
    const { report } = await stage.call('generate_video', { prompt, wait_seconds: 50 });
    expect([report.status, report.error]).toEqual(['done', undefined]);
    const asked = stage.sandbox.requests.filter(whenAskedFor(stage, prompt));
    expect(asked.length).toBeGreaterThanOrEqual(12);
    expect(stage.sandbox.submits(prompt)).toHaveLength(1);
  });
});
