/** Each variable is read as the operator meant it, and every wrong value is reported by name. */
import { describe, expect, test } from 'vitest';
import { readSettings, SETTINGS, surroundings } from '../../../src/settings.ts';
import { from, HOME } from './surroundings.ts';

const KEYS = { VOLC_ACCESSKEY: 'AKLTEXAMPLE', VOLC_SECRETKEY: 'c2VjcmV0LXZhbHVl==' };

const read = (environment: Record<string, string>) => readSettings(from(environment));

const META = '{"producer_id":"p-001","content_propagator":"示例平台"}';

/** Each variable with a value of its own, and its field. */
const GIVEN: [name: string, value: string, field: string, expected: unknown][] = [
  ['JIMENG_VIDEO_API_TIMEOUT', '12.5', 'apiTimeoutSeconds', 12.5],
  ['JIMENG_VIDEO_POLL_INTERVAL', '0.25', 'pollIntervalSeconds', 0.25],
  ['JIMENG_VIDEO_MAX_POLL_ATTEMPTS', '7', 'maxPollAttempts', 7],
  ['JIMENG_VIDEO_WAIT_SECONDS', '0', 'waitSeconds', 0],
  ['JIMENG_VIDEO_OUTPUT_DIR', '~/clips', 'outputDir', '/home/mei/clips'],
  ['JIMENG_VIDEO_ALLOWED_DIRS', '/a:~/b: :/c/../d', 'allowedDirs', ['/a', '/home/mei/b', '/d']],
  ['JIMENG_VIDEO_IMAGE_DIRS', '/pictures', 'imageDirs', ['/pictures']],
  ['JIMENG_VIDEO_STATE_DIR', '/state/', 'stateDir', '/state'],
  ['JIMENG_VIDEO_CONCURRENCY', '3', 'concurrency', 3],
  ['JIMENG_VIDEO_DAILY_BUDGET_CNY', '0', 'dailyBudgetCny', 0],
  ['JIMENG_VIDEO_CONFIRM_ABOVE_CNY', '5.5', 'confirmAboveCny', 5.5],
  ['JIMENG_VIDEO_FFMPEG', '~/bin/ffmpeg', 'ffmpeg', '/home/mei/bin/ffmpeg'],
  ['JIMENG_VIDEO_IMAGES', 'Omit', 'images', 'omit'],
  ['JIMENG_VIDEO_AIGC_META', META, 'aigcMeta', JSON.parse(META)],
  ['JIMENG_VIDEO_SANDBOX_SECONDS', '0.5', 'sandboxSeconds', 0.5],
  ['LOG_LEVEL', 'DEBUG', 'logLevel', 'debug'],
  ['JIMENG_VIDEO_API_URL', 'sandbox', 'api', 'sandbox'],
];
const DEFAULTS = {
  credentials: undefined,
  apiTimeoutSeconds: 300,
  pollIntervalSeconds: undefined,
  maxPollAttempts: 120,
  waitSeconds: 45,
  outputDir: '/home/mei/Videos/Jimeng',
  allowedDirs: [],
  imageDirs: undefined,
  stateDir: '/home/mei/.local/share/jimeng-video-mcp',
  concurrency: 2,
  dailyBudgetCny: undefined,
  confirmAboveCny: undefined,
  ffmpeg: undefined,
  images: 'allow',
  aigcMeta: undefined,
  sandboxSeconds: 5,
  logLevel: 'info',
  proxy: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined },
};
const NAMES = Object.values(SETTINGS).map(({ name }) => name);

describe('nothing set', () => {
  test('gives the defaults, and no problem', () => {
    const { settings, problems, given } = read({});
    expect(settings).toMatchObject(DEFAULTS);
    expect(String(settings.api)).toBe('https://visual.volcengineapi.com/');
    expect([problems, given]).toEqual([[], []]);
  });

  // Claude Desktop hands an option that was left empty on as its own placeholder, ${…}.
  test.each(['', '   ', ...['{user_config.option}', '{x} '].map((rest) => `$${rest}`)])(
    '%j in every variable is as if nothing were set',
    (value) => {
      const all = Object.fromEntries([...NAMES, 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].map((name) => [name, value]));
      const { settings, problems, given } = read(all);
      expect(settings).toMatchObject(DEFAULTS);
      expect([problems, given]).toEqual([[], []]);
      expect(read(all).missingKeys).toEqual(['VOLC_ACCESSKEY', 'VOLC_SECRETKEY']);
    },
  );
});

describe('a variable that is set', () => {
  test.each(GIVEN)('%s=%s', (name, value, field, expected) => {
    const { settings, problems, given } = read({ [name]: ` ${value} ` });
    expect(settings[field as keyof typeof settings]).toEqual(expected);
    expect([problems, given]).toEqual([[], [name]]);
  });

  test('none as output folder means links only', () => {
    expect(read({ JIMENG_VIDEO_OUTPUT_DIR: 'none' }).settings.outputDir).toBeUndefined();
  });

  test('the keys are used as they are, a trailing == included, white space around them cut', () => {
    const { settings } = read({ ...KEYS, VOLC_SECRETKEY: ` ${KEYS.VOLC_SECRETKEY}\n`, VOLC_SESSION_TOKEN: 'STS2e==' });
    expect(settings.credentials).toEqual({
      accessKeyId: KEYS.VOLC_ACCESSKEY,
      secretAccessKey: KEYS.VOLC_SECRETKEY,
      sessionToken: 'STS2e==',
    });
    expect(read(KEYS).settings.credentials).not.toHaveProperty('sessionToken');
    expect(read({ VOLC_ACCESSKEY: 'a' }).missingKeys).toEqual(['VOLC_SECRETKEY']);
    expect(read({ JIMENG_VIDEO_API_URL: 'sandbox' }).missingKeys).toEqual([]);
  });

  test.each(['https://visual.example.com', 'http://127.0.0.1:8080/base'])('the API may be at %s', (url) => {
    expect(String(read({ JIMENG_VIDEO_API_URL: url }).settings.api)).toContain(url);
  });

  test('a proxy is taken by its small name first, as curl does', () => {
    const { proxy } = read({
      http_proxy: 'http://small',
      HTTP_PROXY: 'http://big',
      HTTPS_PROXY: 'http://tls',
    }).settings;
    expect(proxy).toEqual({ httpProxy: 'http://small', httpsProxy: 'http://tls', noProxy: undefined });
  });
});

describe('a proxy', () => {
  test('may leave its scheme out', () => {
    const { settings, problems } = read({ HTTPS_PROXY: 'proxy.example:3128' });
    expect([settings.proxy.httpsProxy, problems]).toEqual(['http://proxy.example:3128', []]);
  });

  test.each(['socks5://proxy.example', 'not an address'])(
    'that the API needs and cannot be used is a problem: %s',
    (value) => {
      const { settings, problems } = read({ HTTPS_PROXY: value });
      expect(settings.proxy.httpsProxy).toBeUndefined();
      expect(problems).toMatchObject([{ name: 'HTTPS_PROXY', needs: ['paid', 'check', 'query', 'save'] }]);
    },
  );
});

describe('a value that is not right', () => {
  test.each<[string, string, string]>([
    ['JIMENG_VIDEO_API_TIMEOUT', '0', 'must be a number of seconds from 0.1 to 3600, but is "0".'],
    ['JIMENG_VIDEO_API_TIMEOUT', '5m', 'must be a number of seconds from 0.1 to 3600, but is "5m".'],
    ['JIMENG_VIDEO_POLL_INTERVAL', '-1', 'must be a number of seconds from 0.02 to 3600, but is "-1".'],
    ['JIMENG_VIDEO_POLL_INTERVAL', '1e3', 'must be a number of seconds from 0.02 to 3600, but is "1e3".'],
    ['JIMENG_VIDEO_MAX_POLL_ATTEMPTS', '1.5', 'must be a whole number of queries from 1 to 100000, but is "1.5".'],
    ['JIMENG_VIDEO_WAIT_SECONDS', '1801', 'must be a number of seconds from 0 to 1800, but is "1801".'],
    ['JIMENG_VIDEO_CONCURRENCY', '0', 'must be a whole number of tasks from 1 to 100, but is "0".'],
    ['JIMENG_VIDEO_DAILY_BUDGET_CNY', '¥20', 'must be a number of CNY from 0 to 1000000000, but is "¥20".'],
    ['JIMENG_VIDEO_OUTPUT_DIR', 'clips', 'must be an absolute path, or begin with ~, but is "clips".'],
    ['JIMENG_VIDEO_ALLOWED_DIRS', '/a:b', 'must be an absolute path, or begin with ~, but is "b".'],
    ['JIMENG_VIDEO_IMAGE_DIRS', '~other/x', 'must be an absolute path, or begin with ~, but is "~other/x".'],
    ['JIMENG_VIDEO_STATE_DIR', './s', 'must be an absolute path, or begin with ~, but is "./s".'],
    ['JIMENG_VIDEO_CONFIRM_ABOVE_CNY', 'five', 'must be a number of CNY from 0 to 1000000000, but is "five".'],
    ['JIMENG_VIDEO_IMAGES', 'no', 'must be allow or omit, but is "no".'],
    ['JIMENG_VIDEO_SANDBOX_SECONDS', '-1', 'must be a number of seconds from 0 to 86400, but is "-1".'],
    ['JIMENG_VIDEO_AIGC_META', 'p-001', 'must be a JSON object with producer_id and content_propagator.'],
    ['JIMENG_VIDEO_AIGC_META', '[1]', 'must be a JSON object with producer_id and content_propagator.'],
    ['JIMENG_VIDEO_AIGC_META', '{"producer_id":"p"}', 'lacks content_propagator.'],
    [
      'JIMENG_VIDEO_AIGC_META',
      META.replace('}', ',"author":"me"}'),
      'holds "author", and may hold only content_producer, producer_id, content_propagator, propagate_id.',
    ],
    [
      'JIMENG_VIDEO_AIGC_META',
      `{"producer_id":7,"content_propagator":"${'x'.repeat(257)}"}`,
      'needs a text of 1 to 256 characters in producer_id and content_propagator.',
    ],
    ['JIMENG_VIDEO_OUTPUT_DIR', `/videos/\${USER}`, `holds \${USER}, which was not replaced by a value.`],
    ['JIMENG_VIDEO_API_URL', `https://\${HOST}/`, `holds \${HOST}, which was not replaced by a value.`],
  ])('%s=%s is refused with what would be right', (name, value, message) => {
    const sandbox = name === 'JIMENG_VIDEO_SANDBOX_SECONDS' ? { JIMENG_VIDEO_API_URL: 'sandbox' } : {};
    expect(read({ ...sandbox, [name]: value }).problems).toMatchObject([{ name, message: `${name} ${message}` }]);
  });

  test.each(['ftp://x', 'example.com', 'https://me:pw@x', 'https://:pw@x', 'https://x?a=1', 'https://x#a', 'SANDBOX'])(
    'JIMENG_VIDEO_API_URL=%s is refused, and not repeated: it may hold a password',
    (url) => {
      const { problems, settings } = read({ JIMENG_VIDEO_API_URL: url });
      expect(problems).toHaveLength(1);
      expect(problems[0]?.message).toMatch(/^JIMENG_VIDEO_API_URL must be "sandbox" or an http\(s\) address/);
      expect(problems[0]?.message).not.toContain(url);
      // Never the sandbox unless it is set.
      expect(String(settings.api)).toBe('https://visual.volcengineapi.com/');
    },
  );

  test('a folder list with one wrong entry keeps the others, and an image list stays a limit', () => {
    expect(read({ JIMENG_VIDEO_ALLOWED_DIRS: '/a:b:/c' }).settings.allowedDirs).toEqual(['/a', '/c']);
    expect(read({ JIMENG_VIDEO_IMAGE_DIRS: 'b' }).settings.imageDirs).toEqual([]);
  });

  test.each(NAMES)('%s that arrived encrypted is refused by name', (name) => {
    const { problems, notes } = read({ [name]: '__encrypted__:djEwabcdef' });
    const [problem, ...others] = [...problems, ...notes];
    expect([problem?.name, others]).toEqual([name, []]);
    expect(problem?.message).toMatch(/arrived encrypted.*enter it again/);
    expect(problem?.message).not.toContain('djEw');
  });

  test('all wrong values are reported together, each replaced by its default', () => {
    const parsed = NAMES.filter((name) => name !== 'JIMENG_VIDEO_FFMPEG');
    const { problems, notes, settings } = read(Object.fromEntries(parsed.map((name) => [name, 'ü'])));
    expect([...problems, ...notes].map(({ name }) => name).sort()).toEqual([...parsed].sort());
    expect(settings).toMatchObject({ ...DEFAULTS, imageDirs: [] });
  });

  test('no message and no list of what was given holds a key', () => {
    const keys = {
      VOLC_ACCESSKEY: 'AKLTsecret\u00fc',
      VOLC_SECRETKEY: 'secret-two',
      VOLC_SESSION_TOKEN: 'secret\u00fcthree',
    };
    const { problems, given, settings } = read({ ...keys, LOG_LEVEL: 'x', JIMENG_VIDEO_API_URL: 'https://u:secret@x' });
    expect(problems.map((problem) => problem.name)).toContain('VOLC_ACCESSKEY');
    expect(JSON.stringify([problems, given])).not.toMatch(/secret/);
    expect(JSON.stringify(settings.childEnvironment)).not.toMatch(/secret/);
  });
});

test('a child process gets what programs need to run, and none of the keys', () => {
  const { settings } = read({
    ...KEYS,
    PATH: '/bin',
    HOME,
    LANG: 'C',
    JIMENG_VIDEO_WAIT_SECONDS: '1',
    AWS_SECRET: 's',
  });
  expect(settings.childEnvironment).toEqual({ PATH: '/bin', HOME, LANG: 'C' });
  expect(settings.searchPath).toBe('/bin');
});

test('the surroundings are this process’s own', () => {
  expect(surroundings()).toMatchObject({ workingDir: process.cwd(), platform: process.platform });
});
