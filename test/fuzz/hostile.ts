/** Inputs that a confused model or an attacker might give to a tool. */
import fc from 'fast-check';
import { MODE_NAMES } from '../../src/jimeng/modes.ts';

const HOSTILE_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e\u2066',
  '`rm -rf ~`',
  '$(id)',
  '../../../etc/passwd',
  '/etc/shadow',
  '/dev/zero',
  '/proc/self/environ',
  'C:\\Windows\\win.ini',
  '\\\\server\\share\\x.png',
  '\\\\?\\C:\\x.png',
  'file:///etc/passwd',
  'file://host/x.png',
  'http://127.0.0.1/x.png',
  'http://169.254.169.254/latest/meta-data/',
  'http://[::1]/x.png',
  'http://0x7f000001/x.png',
  'https://user:password@example.com/x.png',
  'https://example.com/x.png',
  'data:image/png;base64,iVBORw0KGgo=',
  'data:image/png;base64,%%%',
  'data:text/html,<script>',
  'task:jv-00000000-aaaaa',
  'task:',
  'task:../../x',
  '__proto__',
  'constructor',
  'jv-00000000-aaaaa',
  '7392616336519610409',
  '99999999999999999999',
  '~',
  '~root/x.png',
  'x'.repeat(5000),
  '字'.repeat(801),
  '😀'.repeat(800),
  '[x](javascript:alert(1)) **bold** <script>',
  '$' + '{VOLC_SECRETKEY}',
  '%2e%2e%2f',
  '\r\nX-Header: 1',
] as const;

const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const anything = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(null, true, false, 0, -0, -1, 0.5, 1e308, 2 ** 53, 2147483648, [], {}, [[]], { length: 1 }),
  fc.jsonValue({ maxDepth: 2 }),
);

const goodPrompt = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((text) => `fuzz ${text}`);
const mostly = (good: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: anything });

const makeFields = {
  prompt: mostly(goodPrompt),
  mode: mostly(fc.constantFrom(...MODE_NAMES)),
  duration: mostly(fc.constantFrom(5, 10)),
  fps: mostly(fc.constant(24)),
  seed: mostly(fc.integer({ min: -1, max: 2147483647 })),
  aspect_ratio: mostly(fc.constantFrom('16:9', '4:3', '1:1', '3:4', '9:16', '21:9')),
  template_id: mostly(fc.constantFrom('robo_arm', 'handheld', 'hitchcock_dolly_in')),
  camera_strength: mostly(fc.constantFrom('weak', 'medium', 'strong')),
  image: mostly(fc.constantFrom('https://example.com/a.png', 'https://example.com/b.jpg')),
  tail_image: mostly(fc.constantFrom('https://example.com/c.png')),
  output: mostly(fc.constantFrom('fuzz.mp4', 'a/b.mp4')),
  allow_duplicate: mostly(fc.boolean()),
  dry_run: mostly(fc.boolean()),
};
/** Short: a fuzz that waits finds no more. */
const wait = mostly(fc.constantFrom(0, 0.01)).filter(
  (value) => typeof value !== 'number' || value <= 0.01 || value > 1800,
);
const taskId = mostly(fc.constantFrom('jv-00000000-aaaaa', '7392616336519610409'));

/** A field now and then; all of them together are almost never valid. */
function some(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .subarray(Object.keys(fields), { maxLength: Math.min(6, Object.keys(fields).length) })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, fields[name] ?? anything]))));
}

/** Often right but for one thing, sometimes wholly wrong. */
function given(needed: Record<string, fc.Arbitrary<unknown>>, fields: Record<string, fc.Arbitrary<unknown>>) {
  const nearlyRight = fc.tuple(fc.record(needed), some(fields)).map(([must, may]) => ({ ...may, ...must }));
  const withUnknown = fc
    .tuple(nearlyRight, fc.string({ maxLength: 12 }), anything)
    .map(([right, name, value]) => Object.defineProperty({ ...right }, name, { value, enumerable: true }));
  return fc.oneof(
    { weight: 8, arbitrary: nearlyRight as fc.Arbitrary<unknown> },
    { weight: 2, arbitrary: withUnknown as fc.Arbitrary<unknown> },
    { weight: 2, arbitrary: some({ ...fields, ...needed }) as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: anything },
  );
}

export interface HostileCall {
  readonly tool: string;
  readonly input: unknown;
}

/** A call of any tool. `null` and `undefined` inputs are what a client may send as well. */
export const hostileCall: fc.Arbitrary<HostileCall> = fc.oneof(
  given({ prompt: makeFields.prompt, wait_seconds: wait }, makeFields).map((input) => ({
    tool: 'generate_video',
    input,
  })),
  given({ prompt: makeFields.prompt }, makeFields).map((input) => ({ tool: 'submit_video_task', input })),
  given({ task_id: taskId, wait_seconds: wait }, { output: makeFields.output, mode: makeFields.mode }).map((input) => ({
    tool: 'get_video_task',
    input,
  })),
  given(
    {},
    {
      limit: mostly(fc.integer({ min: 1, max: 50 })),
      status: mostly(fc.constantFrom('done', 'queued')),
      wait_seconds: wait,
    },
  ).map((input) => ({ tool: 'list_video_tasks', input })),
  given({ task_id: taskId }, {}).map((input) => ({ tool: 'cancel_video_task', input })),
);
