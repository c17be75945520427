/** Every answer of the provider, and of what stands in between, is read as what it says and not as more. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HttpAnswer, problemOf, readAnswer, readQuery, readSubmit } from '../../../src/jimeng/answers.ts';
import { PROBLEMS, type ProblemCode, type Who } from '../../../src/problems.ts';

const answer = (status: number, body: unknown): HttpAnswer => ({
  status,
  text: typeof body === 'string' ? body : JSON.stringify(body),
});
const business = (code: unknown, data: unknown = null, message = 'words') => ({
  code,
  data,
  message,
  request_id: '20240720103939AF0029465CF6A74E51EC',
  status: code,
});
const gateway = (Code: unknown, CodeN?: unknown, Message = 'words') => ({
  ResponseMetadata: { RequestId: 'R1', Error: { CodeN, Code, Message } },
});

function submit(http: HttpAnswer) {
  const read = readAnswer(http);
  return read && readSubmit(read);
}
function query(http: HttpAnswer) {
  const read = readAnswer(http);
  return read && readQuery(read);
}

/** Reference section 7: code, HTTP status, outcome at submit, outcome at query, who can fix it. */
const BUSINESS: [string, number, string | undefined, string, Who][] = [
  ['50411', 400, 'refused', 'failed', 'you'],
  ['50511', 400, 'refused', 'failed', 'you'],
  ['50412', 400, 'refused', 'failed', 'you'],
  ['50512', 400, 'refused', 'failed', 'you'],
  ['50413', 400, 'refused', 'failed', 'you'],
  ['50516', 400, 'refused', 'failed', 'you'],
  ['50517', 400, 'refused', 'failed', 'you'],
  ['50518', 400, 'refused', 'failed', 'you'],
  ['50519', 400, 'refused', 'failed', 'you'],
  ['50520', 400, 'refused', 'failed', 'provider'],
  ['50521', 400, 'refused', 'failed', 'provider'],
  ['50522', 400, 'refused', 'failed', 'provider'],
  ['50429', 429, 'busy', 'blocked', 'provider'],
  ['50430', 429, 'busy', 'blocked', 'provider'],
  ['50500', 500, undefined, 'blocked', 'provider'],
  ['50501', 500, undefined, 'blocked', 'provider'],
  ['50400', 401, 'refused', 'blocked', 'operator'],
  ['50200', 400, 'refused', 'blocked', 'you'],
  ['50215', 400, 'refused', 'failed', 'you'],
  // Of sibling products (reference section 13).
  ['50205', 400, 'refused', 'failed', 'you'],
  ['50207', 400, 'refused', 'failed', 'you'],
  ['50218', 400, 'refused', 'blocked', 'provider'],
  ['50514', 400, 'refused', 'failed', 'you'],
  ['60102', 400, 'refused', 'failed', 'you'],
];

/** Reference section 8, the same, with CodeN. */
const GATEWAY: [string, string | undefined, number, string | undefined, Who][] = [
  ['MissingParameter', '100002', 400, 'refused', 'operator'],
  ['MissingAuthenticationToken', '100003', 401, 'refused', 'operator'],
  ['MissingSignature', '100005', 401, 'refused', 'operator'],
  ['InvalidTimestamp', '100006', 403, 'refused', 'operator'],
  ['InvalidTimestamp', '100006', 400, 'refused', 'operator'],
  ['ServiceNotFound', '100007', 404, 'refused', 'operator'],
  ['InvalidActionOrVersion', '100008', 404, 'refused', 'operator'],
  ['InvalidAccessKey', '100009', 401, 'refused', 'operator'],
  ['SignatureDoesNotMatch', '100010', 401, 'refused', 'operator'],
  ['LackPolicy', '100012', 403, 'refused', 'operator'],
  ['AccessDenied', '100013', 403, 'refused', 'operator'],
  ['InvalidAuthorization', undefined, 400, 'refused', 'operator'],
  ['InvalidCredential', undefined, 400, 'refused', 'operator'],
  ['InvalidSecretToken', undefined, 401, 'refused', 'operator'],
  ['InternalError', '100014', 500, undefined, 'provider'],
  ['FailToConnect', '100015', 502, undefined, 'provider'],
  ['InternalServiceTimeout', '100016', 504, undefined, 'provider'],
  ['FlowLimitExceeded', undefined, 429, 'busy', 'provider'],
  ['AccountFlowLimitExceeded', undefined, 429, 'busy', 'provider'],
  ['ServiceUnavailableTemp', undefined, 503, undefined, 'provider'],
];

test("the reference's codes and the rows of problems.ts are the same set", () => {
  const rows = Object.keys(PROBLEMS).filter((code) => /^[0-9A-Z]/.test(code));
  const reference = [...BUSINESS.map(([code]) => code), ...GATEWAY.map(([code]) => code)];
  expect(new Set(rows)).toEqual(new Set(reference));
});

describe.each(BUSINESS)('business code %s (HTTP %i)', (code, http, atSubmit, atQuery, who) => {
  // The number comes as a number; its text is read the same.
  test.each([Number(code), code])('as %j is explained by its own row', (value) => {
    const reply = answer(http, business(value));
    expect(submit(reply)?.kind).toBe(atSubmit);
    expect(query(reply)?.kind).toBe(atQuery);
    const problem = problemOf(readAnswer(reply) ?? expect.fail());
    expect(problem).toMatchObject({ code, who, providerCode: code, providerText: 'words' });
    expect(problem.message).toBe(PROBLEMS[code as ProblemCode].what);
  });

  test('as digits in the gateway shape is the same code', () => {
    const problem = problemOf(readAnswer(answer(http, gateway(code))) ?? expect.fail());
    expect(problem).toMatchObject({ code, who });
  });

  test.each([500, 502, 504])('with HTTP %i never says at submit that nothing was made', (status) => {
    expect(submit(answer(status, business(Number(code))))).toBeUndefined();
  });
});

describe.each(GATEWAY)('gateway code %s (%s, HTTP %i)', (code, number, http, atSubmit, who) => {
  test('is explained by its own row, with its number as the provider code', () => {
    const reply = answer(http, gateway(code, number && Number(number)));
    expect(submit(reply)?.kind).toBe(atSubmit);
    expect(problemOf(readAnswer(reply) ?? expect.fail())).toMatchObject({ code, who, providerCode: number ?? code });
  });

  test('never changes a task when a query is answered so', () => {
    expect(query(answer(http, gateway(code, number)))?.kind).toBe('blocked');
  });
});

test.each(GATEWAY.filter(([, number]) => number !== undefined))(
  '%s is known by its number %s alone',
  (code, number) => {
    for (const error of [{ CodeN: Number(number) }, { CodeN: number }, { Code: number }, { Code: Number(number) }]) {
      expect(readAnswer(answer(400, { ResponseMetadata: { Error: error } }))?.code).toBe(code);
    }
  },
);

describe('a submit', () => {
  test('is accepted with its task id exactly, and its request id', () => {
    const reply = answer(200, business(10000, { task_id: '7392616336519610409' }));
    expect(submit(reply)).toEqual({ kind: 'accepted', providerTaskId: '7392616336519610409' });
    expect(readAnswer(reply)?.requestId).toBe('20240720103939AF0029465CF6A74E51EC');
  });

  test.each(['9007199254740993', '18446744073709551999'])(
    'keeps the task id %s, sent as a number, digit for digit',
    (id) => {
      const text = `{"code":10000,"data":{"task_id": ${id}},"message":"Success"}`;
      expect(submit(answer(200, text))).toEqual({ kind: 'accepted', providerTaskId: id });
    },
  );

  test.each<[string, unknown]>([
    ['no data', business(10000)],
    ['no task_id', business(10000, {})],
    ['an empty task_id', business(10000, { task_id: '' })],
    ['a task_id with spaces', business(10000, { task_id: 'a b' })],
    ['a task_id that is no text', business(10000, { task_id: { id: 1 } })],
    ['a task_id with a path in it', business(10000, { task_id: '../1' })],
    ['a task_id with a line break', business(10000, { task_id: '1\n2' })],
    ['a task_id of other letters', business(10000, { task_id: '任务' })],
    ['a task_id of 65 characters', business(10000, { task_id: '1'.repeat(65) })],
    ['data as a list', business(10000, [{ task_id: '1' }])],
    ['a task_id beside the data', { ...business(10000), task_id: '1' }],
    ['code 0', business(0, { task_id: '1' })],
  ])('10000 with %s has an unknown outcome', (_what, body) => expect(submit(answer(200, body))).toBeUndefined());

  test.each([500, 502, 503, 504, 301, 302, 307, 308])(
    'with HTTP %i has an unknown outcome, whatever its body',
    (status) => {
      for (const body of [business(10000, { task_id: '1' }), business(50412), gateway('AccessDenied', 100013)]) {
        expect(submit(answer(status, body))).toBeUndefined();
      }
    },
  );

  test.each([408, 425, 499])('with HTTP %i decides nothing when its code is not documented', (status) => {
    expect(submit(answer(status, business(50999)))).toBeUndefined();
    expect(submit(answer(status, gateway('RequestTimeout')))).toBeUndefined();
    expect(submit(answer(status, business(50412)))?.kind, 'a documented code is a refusal').toBe('refused');
  });

  test('an undocumented code is a refusal that keeps its name', () => {
    const reading = submit(answer(400, business(50999, null, 'new rule')));
    expect(reading?.kind).toBe('refused');
    expect(reading).toMatchObject({ problem: { code: '50999', who: 'unknown', providerText: 'new rule' } });
  });

  test('a provider cannot use the names of our own problems', () => {
    const reading = submit(answer(400, gateway('missing_credentials')));
    expect(reading).toMatchObject({ kind: 'refused', problem: { code: 'missing_credentials', who: 'unknown' } });
  });
});

describe("what is not the provider's", () => {
  const whole = JSON.stringify(business(10000, { task_id: '7392616336519610409' }));
  test.each<[string, number, unknown]>([
    ['an HTML page', 200, '<html><body>502 Bad Gateway</body></html>'],
    ["a proxy's 403 page", 403, '<h1>Forbidden</h1>'],
    ["a proxy's 403 JSON", 403, { error: 'forbidden', message: 'blocked by policy' }],
    ['nothing', 200, ''],
    ['a list', 200, '[]'],
    ['a text', 200, '"Success"'],
    ['null', 200, 'null'],
    ['a code that is no code', 200, business({ code: 10000 })],
    ['a broken code', 200, business(10000.5)],
    ['a code with spaces', 200, business('not a code')],
    ['an empty gateway error', 403, { ResponseMetadata: { Error: {} } }],
    ['metadata without an error', 200, { ResponseMetadata: { RequestId: 'x' } }],
  ])('%s is no answer', (_what, status, body) => expect(readAnswer(answer(status, body))).toBeUndefined());

  test('an answer cut anywhere is no answer', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(readAnswer(answer(200, whole.slice(0, length)))).toBeUndefined();
    }
  });

  test('a field of the wrong type is as if it were not there', () => {
    const body = { code: 50412, data: 'x', message: 5, request_id: {}, time_elapsed: '104.8µs' };
    expect(readAnswer(answer(400, body))).toMatchObject({ message: '', requestId: undefined, data: undefined });
  });
});

describe('a query', () => {
  const state = (status: unknown, rest: object = {}) =>
    answer(200, business(10000, { status, video_url: '', ...rest }));

  test.each(['in_queue', 'generating', 'a_new_word'])('%s is still running', (word) => {
    expect(query(state(word))).toEqual({ kind: 'running', word });
  });
  test.each([null, 5, ''])('a status of %j is still running', (status) => {
    expect(query(state(status))?.kind).toBe('running');
  });
  test.each(['expired', 'not_found'])('%s is the provider’s word', (kind) =>
    expect(query(state(kind))).toEqual({ kind }),
  );

  test('done with a link is done, the link as it came, \\u0026 read as &', () => {
    const text = '{"code":10000,"data":{"status":"done","video_url":"https://v.example.com/x?b=2\\u0026a=%2f1"}}';
    expect(query(answer(200, text))).toEqual({ kind: 'done', url: 'https://v.example.com/x?b=2&a=%2f1' });
  });

  test.each([
    undefined,
    '',
    null,
    5,
    {},
    'file:///etc/passwd',
    'javascript:alert(1)',
    'no address',
    `https://v.example.com/${'a'.repeat(9000)}`,
    'https://v.example.com/a b',
    'https://v.example.com/\u202egpj',
  ])('done with the link %j is its own case, which may have been charged', (video_url) => {
    const reading = query(state('done', { video_url }));
    expect(reading).toMatchObject({ kind: 'done_without_link', problem: { code: 'no_video' } });
  });

  test.each([true, false, undefined])('reports whether the content label was written: %j', (aigc_meta_tagged) => {
    const reading = query(state('done', { video_url: 'https://v.example.com/x', aigc_meta_tagged }));
    expect(reading).toEqual({ kind: 'done', url: 'https://v.example.com/x', aigcMetaTagged: aigc_meta_tagged });
  });

  test('done with an error code is that failure, not a video', () => {
    for (const code of ['50516', '50200', '50999']) {
      const body = business(code, { status: 'done', video_url: 'https://v.example.com/x' });
      expect(query(answer(400, body))).toMatchObject({ kind: 'failed', problem: { code } });
    }
  });
});

describe('the envelope of the newer surface', () => {
  const wrapped = (status: number, result: unknown, RequestId: unknown = 'R3') =>
    answer(status, { ResponseMetadata: { RequestId, Action: 'X' }, Result: result });

  test('is read like the bare answer: accepted, refused, running, done', () => {
    expect(submit(wrapped(200, { code: 10000, status: 10000, data: { task_id: '71' } }))).toEqual({
      kind: 'accepted',
      providerTaskId: '71',
    });
    expect(submit(wrapped(400, business(50412)))?.kind).toBe('refused');
    expect(query(wrapped(200, business(10000, { status: 'generating' })))).toEqual({
      kind: 'running',
      word: 'generating',
    });
    const done = business(10000, { status: 'done', video_url: 'https://v.example.com/x' });
    expect(query(wrapped(200, done))).toEqual({ kind: 'done', url: 'https://v.example.com/x' });
  });

  test('gives its own request id, or else the one of the metadata', () => {
    const bare = { code: 10000, data: { task_id: '71' } };
    expect(readAnswer(wrapped(200, bare))?.requestId).toBe('R3');
    expect(readAnswer(wrapped(200, { ...bare, request_id: 'R4' }))?.requestId).toBe('R4');
  });

  test('is none without metadata, and an error beside it wins', () => {
    expect(readAnswer(answer(200, { Result: business(10000, { task_id: '71' }) }))).toBeUndefined();
    const both = { ...gateway('AccessDenied'), Result: business(10000, { task_id: '71' }) };
    expect(readAnswer(answer(200, both))?.code).toBe('AccessDenied');
  });
});

describe("the provider's texts", () => {
  const messageOf = (message: string) => readAnswer(answer(400, business(50412, null, message)))?.message ?? '';

  test('are bounded', () => {
    const long = { ...business(50412, { status: 'x'.repeat(1e6) }, 'm'.repeat(1e6)), request_id: 'r'.repeat(1e6) };
    const read = readAnswer(answer(400, long));
    expect([read?.message.length, read?.requestId?.length]).toEqual([500, 128]);
    const running = query(answer(200, business(10000, { status: 'x'.repeat(1e6) })));
    expect(running).toEqual({ kind: 'running', word: 'x'.repeat(40) });
    expect([...messageOf('😀'.repeat(600))]).toHaveLength(500);
  });

  test('are one line without control and bidirectional characters', () => {
    expect(messageOf('a\r\n# b\u0000\u001b[31mc\u202ed\u2066e\u2028f\u200fg')).toBe('a # b [31mc d e f g');
    const read = readAnswer(answer(400, { ...business(50412), request_id: 'R\n# 1' }));
    expect(read?.requestId).toBe('R # 1');
  });

  test('are well-formed: a lone surrogate is U+FFFD, at the cut, too', () => {
    expect(messageOf('a\ud83d')).toBe('a\ufffd');
    expect(messageOf(`a${'😀'.repeat(1500)}`).isWellFormed()).toBe(true);
  });
});

describe('a capability that no longer exists has its own text', () => {
  test.each<[number, unknown]>([
    [400, business(50200, null, 'Invalid Input Parameters: req_key')],
    [401, business(50400, null, 'This service is offline')],
    [404, gateway('InvalidActionOrVersion', 100008, 'the action is no longer available')],
    [400, business(50200, null, '该能力已下线')],
  ])('HTTP %i %j', (status, body) => {
    const problem = problemOf(readAnswer(answer(status, body)) ?? expect.fail());
    expect(problem.message).toMatch(/no longer offers this capability/);
    expect(problem.hint).toMatch(/another mode/);
  });

  test('another parameter, and the plain 50400, keep their rows', () => {
    for (const body of [
      business(50200, null, 'Invalid Input Parameters: seed'),
      business(50400, null, 'Access Denied'),
    ]) {
      const problem = problemOf(readAnswer(answer(400, body)) ?? expect.fail());
      expect(problem.message).toBe(PROBLEMS[problem.code as ProblemCode].what);
    }
  });

  test('50400 names its three causes', () => {
    const { what } = PROBLEMS['50400'];
    for (const cause of [/not opened/, /quota used up/, /key without permission/]) expect(what).toMatch(cause);
  });
});

describe('anything at all', () => {
  const status = fc.integer({ min: 200, max: 599 });
  // Often close to the real shapes: far-off JSON finds little.
  const near = fc.record(
    {
      code: fc.oneof(fc.constantFrom(10000, '10000', 0, 50412), fc.jsonValue()),
      data: fc.oneof(
        fc.record(
          { task_id: fc.jsonValue(), status: fc.oneof(fc.constant('done'), fc.jsonValue()), video_url: fc.jsonValue() },
          { requiredKeys: [] },
        ),
        fc.jsonValue(),
      ),
      message: fc.jsonValue(),
      ResponseMetadata: fc.oneof(fc.record({ Error: fc.jsonValue() }), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    near.map((body) => JSON.stringify(body)),
    fc.json(),
    fc.string(),
  );

  test('is read without throwing, and is accepted only as 10000 with a task id below HTTP 500', () => {
    fc.assert(
      fc.property(status, text, (http, body) => {
        const read = readAnswer({ status: http, text: body });
        if (read === undefined) return;
        readQuery(read);
        const reading = readSubmit(read);
        if (http >= 500) expect(reading).toBeUndefined();
        if (reading?.kind !== 'accepted') return;
        const json = JSON.parse(body);
        expect([read.code, String(json.code)]).toEqual(['10000', '10000']);
        expect(String(json.data.task_id)).not.toBe('');
      }),
      { numRuns: 2000 },
    );
  });
});
