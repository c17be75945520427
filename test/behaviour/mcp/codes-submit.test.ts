/** Every code that can answer a submit is reported with its status, its charge, who can fix it and how. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiFault } from '../../support/fault-plan.ts';
import { type Arguments, openStage, type Stage, until, whenSubmitted } from '../../support/mcp-client.ts';

const NO = 'failed';
const LOST = 'unknown';
const PROGRAM = 'report this as a bug';
const POLICY = 'CVImageProcessFullAccess';
const TWICE = 'only if they agree to pay twice';

/** Code, status, who, retryable, and what the text says is to be done. */
const BUSINESS = [
  [50411, NO, 'you', false, 'use another image'],
  [50511, NO, 'you', true, 'try another seed'],
  [50412, NO, 'you', false, 'reword the prompt'],
  [50512, NO, 'you', false, 'reword the prompt'],
  [50413, NO, 'you', false, 'without names, brands'],
  [50516, NO, 'you', true, 'try another seed'],
  [50517, NO, 'you', true, 'try another seed'],
  [50518, NO, 'you', false, 'no protected work'],
  [50519, NO, 'you', true, 'try another seed'],
  [50520, NO, 'provider', false, 'wait a few minutes'],
  [50521, NO, 'provider', false, 'wait a few minutes'],
  [50522, NO, 'provider', false, 'wait a few minutes'],
  [50400, NO, 'operator', false, 'Volcengine console'],
  [50200, NO, 'you', false, 'correct the parameter'],
  [50215, NO, 'you', false, 'public URL'],
  [50500, LOST, 'provider', true, TWICE],
  [50501, LOST, 'provider', true, TWICE],
] as const;

const GATEWAY = [
  ['MissingParameter', NO, 'operator', false, PROGRAM],
  ['MissingAuthenticationToken', NO, 'operator', false, PROGRAM],
  ['MissingSignature', NO, 'operator', false, PROGRAM],
  ['InvalidTimestamp', NO, 'operator', false, 'set the clock'],
  ['ServiceNotFound', NO, 'operator', false, PROGRAM],
  ['InvalidActionOrVersion', NO, 'operator', false, PROGRAM],
  ['InvalidAccessKey', NO, 'operator', false, 'set VOLC_ACCESSKEY'],
  ['SignatureDoesNotMatch', NO, 'operator', false, 'set VOLC_SECRETKEY'],
  ['LackPolicy', NO, 'operator', false, POLICY],
  ['AccessDenied', NO, 'operator', false, POLICY],
  ['InvalidAuthorization', NO, 'operator', false, PROGRAM],
  ['InvalidCredential', NO, 'operator', false, PROGRAM],
  ['InvalidSecretToken', NO, 'operator', false, 'VOLC_SESSION_TOKEN'],
  ['InternalError', LOST, 'provider', true, TWICE],
  ['FailToConnect', LOST, 'provider', true, TWICE],
  ['InternalServiceTimeout', LOST, 'provider', true, TWICE],
  ['ServiceUnavailableTemp', LOST, 'provider', true, TWICE],
] as const;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ asProvider: true });
});
afterAll(() => stage.close());

async function submitUnder(fault: ApiFault, prompt: string, given: Arguments = {}) {
  stage.sandbox.faults.add({ on: 'submit', when: whenSubmitted(prompt), fault });
  return await stage.call('generate_video', { prompt, wait_seconds: 0, ...given });
}

describe('a code at the submit', () => {
  const cases = [
    ...BUSINESS.map(([code, ...expected]) => [String(code), { kind: 'business', code } as const, ...expected] as const),
    ...GATEWAY.map(([code, ...expected]) => [code, { kind: 'gateway', code } as const, ...expected] as const),
  ];

  it.concurrent.each(cases)('%s', async (code, fault, status, who, retryable, hint) => {
    const prompt = `submit answered ${code}`;
    const { report, text, isError } = await submitUnder(fault, prompt);
    expect(report).toMatchObject({ status, prompt, error: { code, who, retryable } });
    expect([report.cost?.charge, isError]).toEqual([status === NO ? 'none' : 'possible', true]);
    expect(text.toLowerCase()).toContain(hint.toLowerCase());
    const money =
      status === NO ? 'Nothing was charged.' : 'The answer to the submit was lost; the video may have been charged.';
    expect(report.message).toContain(money);
    expect(report.error?.provider_code).toBeDefined();
    expect(stage.sandbox.submits(prompt)).toHaveLength(1);
  });

  it("brings the provider's own words, on one line, escaped and cut", async () => {
    const message = `Invalid *x* [a](http://b)\n${'y'.repeat(400)}`;
    const { report } = await submitUnder({ kind: 'business', code: 50200, message }, 'words of the provider');
    expect(report.message).toMatch(/The provider says: "Invalid \\\*x\\\* \\\[a\\\]\(http:\/\/b\) y{80,180}…" Nothing/);
  });

  it('that is not documented is kept, and reported with what the provider says', async () => {
    const { report } = await submitUnder({ kind: 'business', code: 50999, message: 'New' }, 'an unknown code');
    expect(report).toMatchObject({ status: NO, error: { code: '50999', who: 'unknown' }, cost: { charge: 'none' } });
    expect(report.message).toContain('The provider says: "New".');
  });

  it('all digits in the shape of the gateway is looked up among the business codes', async () => {
    const { report } = await submitUnder({ kind: 'gateway', code: '50400' }, 'business in gateway');
    expect(report).toMatchObject({ status: NO, error: { code: '50400', who: 'operator' } });
  });
});

describe('"not now" at the submit', () => {
  // One mode each: what a refusal teaches holds for its req_key.
  const IMAGE = { image: 'https://example.com/first.png' };
  const BUSY = [
    ['50429', { kind: 'business', code: 50429 }, { mode: 't2v_1080p' }],
    ['50430', { kind: 'business', code: 50430 }, { mode: 'ti2v_pro' }],
    ['FlowLimitExceeded', { kind: 'gateway', code: 'FlowLimitExceeded' }, IMAGE],
    [
      'AccountFlowLimitExceeded',
      { kind: 'gateway', code: 'AccountFlowLimitExceeded' },
      { ...IMAGE, mode: 'i2v_first_1080p' },
    ],
  ] as const satisfies readonly (readonly [string, ApiFault, Arguments])[];

  it.concurrent.each(BUSY)(
    '%s: back in the queue, unpaid, and sent again automatically',
    async (code, fault, given) => {
      const prompt = `busy ${code}`;
      const { report, isError } = await submitUnder(fault, prompt, given);
      expect(report).toMatchObject({ status: 'queued', cost: { charge: 'none' } });
      expect(isError).toBe(false);
      await until('the second submit', () => stage.providerIdOf(prompt) !== undefined);
      const { report: later } = await stage.call('get_video_task', { task_id: report.task_id, wait_seconds: 50 });
      expect(later.status).toBe('done');
      expect(stage.sandbox.submits(prompt)).toHaveLength(2);
    },
  );
});
