/** What is wrong stops what needs it and nothing else, and is reported before anything is sent. */
import { describe, expect, test } from 'vitest';
import {
  OPERATIONS,
  type Operation,
  problemsFor,
  readSettings,
  requireSettings,
  SETTINGS,
} from '../../../src/settings.ts';
import { from } from './surroundings.ts';

const KEYS = { VOLC_ACCESSKEY: 'AKLTEXAMPLE', VOLC_SECRETKEY: 'c2VjcmV0LXZhbHVl==' };
const NAMES = Object.values(SETTINGS).map(({ name }) => name);

const read = (environment: Record<string, string>) => readSettings(from(environment));

/** The operations that are refused. */
function stoppedBy(environment: Record<string, string>): Operation[] {
  const given = read({ ...KEYS, ...environment });
  return OPERATIONS.filter((operation) => problemsFor(given, operation).length > 0);
}

describe('a wrong setting stops what needs it, and nothing else', () => {
  test.each<[string, string, Operation[]]>([
    ['VOLC_ACCESSKEY', 'ü', ['paid', 'query']],
    ['JIMENG_VIDEO_API_URL', 'x', ['paid', 'check', 'query', 'save']],
    ['JIMENG_VIDEO_POLL_INTERVAL', 'x', ['paid', 'check']],
    ['JIMENG_VIDEO_DAILY_BUDGET_CNY', 'x', ['paid', 'check']],
    ['JIMENG_VIDEO_OUTPUT_DIR', 'x', ['paid', 'check', 'save']],
    ['JIMENG_VIDEO_STATE_DIR', 'x', [...OPERATIONS]],
    ['JIMENG_VIDEO_IMAGES', 'x', ['preview']],
    ['JIMENG_VIDEO_AIGC_META', 'x', ['paid', 'check', 'query']],
    ['JIMENG_VIDEO_SANDBOX_SECONDS', 'x', []],
    ['HTTPS_PROXY', 'socks5://x', ['paid', 'check', 'query', 'save']],
    ['LOG_LEVEL', 'x', []],
    ['JIMENG_VIDEO_BUDGET', '5', ['paid', 'check', 'serve']],
    ['JIMENG_VIDEO_TOKEN', 'people.yaml', ['paid', 'check', 'serve']],
    ['JIMENG_VIDEO_TOKENS', 'people.yaml', ['serve']],
    ['JIMENG_VIDEO_OAUTH_ISSUER', 'http://login.example.com', ['serve']],
    ['JIMENG_VIDEO_STORAGE', 's3://videos', ['paid', 'check', 'save', 'serve']],
    ['JIMENG_VIDEO_STORE', 'mysql://db/jimeng', [...OPERATIONS]],
  ])('%s=%s', (name, value, stopped) => {
    expect(stoppedBy({ [name]: value })).toEqual(stopped);
  });

  test('lists, cancelling and previews go on with every other setting wrong', () => {
    const wrong = NAMES.filter((name) => !/^JIMENG_VIDEO_(STATE_DIR|STORE|FFMPEG|IMAGES)$/.test(name));
    const stopped = stoppedBy({
      ...Object.fromEntries(wrong.map((name) => [name, 'ü'])),
      JIMENG_VIDEO_X: '1',
      HTTPS_PROXY: 'ftp://',
    });
    expect(stopped).toEqual(['paid', 'check', 'query', 'save', 'serve']);
  });

  test.each(['ge#heim', 'ge/heim', 'ge?heim', 'ge%heim', '5/geheim'])(
    'a password with %s in the address of the database is refused with the way to write it, and not repeated',
    (password) => {
      const given = read({ ...KEYS, JIMENG_VIDEO_STORE: `postgres://jimeng:${password}@db.example/jimeng` });
      expect(() => requireSettings(given, 'paid')).toThrow('%23 %2F %3F %25');
      expect(() => requireSettings(given, 'paid')).not.toThrow('heim');
      const right = `postgres://jimeng:${encodeURIComponent(password)}@db.example/jimeng`;
      requireSettings(read({ ...KEYS, JIMENG_VIDEO_STORE: right }), 'paid');
    },
  );

  test('a socket of the database needs no host in its address', () => {
    const address = 'postgres:///jimeng?host=/run/postgresql&user=jimeng';
    requireSettings(read({ ...KEYS, JIMENG_VIDEO_STORE: address }), 'paid');
  });

  test('the keys are not needed in the sandbox, nor by what does not ask the provider', () => {
    expect(stoppedBy({ VOLC_SECRETKEY: 'your secret key', JIMENG_VIDEO_API_URL: 'sandbox' })).toEqual([]);
    for (const operation of ['check', 'save', 'read', 'preview'] as const) requireSettings(read({}), operation);
    for (const operation of ['paid', 'query'] as const) {
      expect(() => requireSettings(read({}), operation)).toThrow('VOLC_ACCESSKEY and VOLC_SECRETKEY are not set');
    }
  });

  test('the refusal names everything that is wrong, and what to correct', () => {
    const given = read({ ...KEYS, JIMENG_VIDEO_WAIT_SECONDS: '5m', JIMENG_VIDEO_OUTPUT_DIR: 'clips' });
    const refusal = expect.objectContaining({
      code: 'invalid_settings',
      message: expect.stringMatching(/^JIMENG_VIDEO_WAIT_SECONDS must .* JIMENG_VIDEO_OUTPUT_DIR must /),
      hint: expect.stringContaining('correct JIMENG_VIDEO_WAIT_SECONDS, JIMENG_VIDEO_OUTPUT_DIR'),
    });
    expect(() => requireSettings(given, 'paid')).toThrow(refusal);
    expect(() => requireSettings(given, 'read', 'query')).not.toThrow();
    expect(() => requireSettings(given, 'query', 'save')).toThrow('JIMENG_VIDEO_OUTPUT_DIR');
  });
});

describe('a name that nothing reads', () => {
  test.each([
    ['JIMENG_VIDEO_BUDGET', 'JIMENG_VIDEO_DAILY_BUDGET_CNY'],
    ['JIMENG_VIDEO_DAILY_BUDGET', 'JIMENG_VIDEO_DAILY_BUDGET_CNY'],
    ['JIMENG_VIDEO_DAILY_BUGET_CNY', 'JIMENG_VIDEO_DAILY_BUDGET_CNY'],
    ['jimeng_video_daily_budget_cny', 'JIMENG_VIDEO_DAILY_BUDGET_CNY'],
    ['JIMENG_VIDEO_OUTPUT', 'JIMENG_VIDEO_OUTPUT_DIR'],
    ['JIMENG_VIDEO_TIMEOUT', 'JIMENG_VIDEO_API_TIMEOUT'],
    ['JIMENG_VIDEO_FFMPEG_PATH', 'JIMENG_VIDEO_FFMPEG'],
    ['JIMENG_VIDEO_URL', 'JIMENG_VIDEO_API_URL'],
    ['JIMENG_VIDEO_CONFIRM_CNY', 'JIMENG_VIDEO_CONFIRM_ABOVE_CNY'],
    ['JIMENG_VIDEO_BUDGT', 'JIMENG_VIDEO_DAILY_BUDGET_CNY'],
    ['JIMENG_VIDEO_OUPUT', 'JIMENG_VIDEO_OUTPUT_DIR'],
  ])('%s is reported with %s', (name, nearest) => {
    const message = `${name} is not a setting; did you mean ${nearest}?`;
    expect(read({ [name]: '5' }).problems).toEqual([{ name, message, needs: ['paid', 'check', 'serve'] }]);
  });

  test('is none when it is empty or a placeholder, or belongs to another program', () => {
    const environment = {
      JIMENG_VIDEO_X: ' ',
      JIMENG_VIDEO_Y: `$${'{user_config.y}'}`,
      JIMENG_TOKEN: 'x',
      VOLC_REGION: 'x',
    };
    expect(read(environment).problems).toEqual([]);
  });

  test('is found whatever its case on Windows, where a variable has none', () => {
    const windows = (environment: Record<string, string>) => readSettings(from(environment, { platform: 'win32' }));
    expect(windows({ Jimeng_Video_Concurrency: '3' }).problems).toEqual([]);
  });
});

describe('keys', () => {
  test('under the name that another program reads are mentioned where ours are missing', () => {
    const environment = { VOLCENGINE_ACCESS_KEY: 'AKLTx', VOLC_SECRET_ACCESS_KEY: 'x', VOLC_SECRETKEY: 'x' };
    const given = read(environment);
    const message = 'VOLCENGINE_ACCESS_KEY is not read; did you mean VOLC_ACCESSKEY?';
    expect(given.notes).toEqual([{ name: 'VOLCENGINE_ACCESS_KEY', message }]);
    expect(() => requireSettings(given, 'paid')).toThrow(
      `VOLC_ACCESSKEY is not set, and every call to the provider needs it. ${message}`,
    );
    expect(read({ ...environment, ...KEYS }).notes).toEqual([]);
  });

  test.each([
    ['"AKLTabc"', 'is in quotation marks: enter it without them.'],
    ['“AKLTabc”', 'is in quotation marks: enter it without them.'],
    ["'AKLTabc", 'is in quotation marks: enter it without them.'],
    ['AKLT\u200babc', 'holds an invisible character (U+200B): copy it again from'],
    ['\u2060AKLTabc', 'holds an invisible character (U+2060): copy it again from'],
    ['AKLT\nabc', 'holds an invisible character (U+000A): copy it again from'],
    ['AKLT abc', 'holds a character that no key has: copy it again from'],
    ['your secret key', 'holds a placeholder, not a key: enter your own from'],
    ['your-access-key', 'holds a placeholder, not a key'],
    ['YOUR_SECRET_KEY', 'holds a placeholder, not a key'],
    ['<secret key>', 'holds a placeholder, not a key'],
    ['xxxxxxxx', 'holds a placeholder, not a key'],
    ['AKLT...', 'holds a placeholder, not a key'],
    ['AKLT********', 'holds a placeholder, not a key'],
    ['VOLC_SECRETKEY', 'holds a placeholder, not a key'],
    ['secret_access_key', 'holds a placeholder, not a key'],
    ['你的密钥', 'holds a placeholder, not a key'],
  ])('%j are refused before anything is sent, and not repeated', (value, message) => {
    for (const name of ['VOLC_ACCESSKEY', 'VOLC_SECRETKEY', 'VOLC_SESSION_TOKEN']) {
      const { problems, settings } = read({ ...KEYS, [name]: value });
      expect(problems).toMatchObject([{ name, message: expect.stringContaining(`${name} ${message}`) }]);
      expect(problems[0]?.message.slice(name.length)).not.toContain(value);
      expect(settings.credentials).toBeUndefined();
    }
  });

  test.each(['AKLTyourNzxxx', 'TVRr+/ABc==', 'WVdSdFpHVm1ZWFZzZEE9PQ==', 'a', 'STS2eyJMVEFjY2Vzc0tleUlk.e30='])(
    'such as %s are taken: a real one is never refused',
    (value) => {
      expect(read({ ...KEYS, VOLC_SECRETKEY: value }).problems).toEqual([]);
    },
  );
});

describe('the log level', () => {
  test.each([
    ['WARNING', 'warn'],
    ['verbose', 'debug'],
    ['20', 'debug'],
    ['off', 'silent'],
    ['Critical', 'fatal'],
    ['Info', 'info'],
  ])('%s means %s', (value, level) => {
    const { settings, problems, notes } = read({ LOG_LEVEL: value });
    expect([settings.logLevel, problems, notes]).toEqual([level, [], []]);
  });

  test.each(['loud', 'constructor', '25'])('%s is ignored with a note', (value) => {
    const { settings, problems, notes } = read({ LOG_LEVEL: value });
    expect([settings.logLevel, problems]).toEqual(['info', []]);
    expect(notes).toEqual([
      { name: 'LOG_LEVEL', message: expect.stringMatching(`^LOG_LEVEL is "${value}", which is none of`) },
    ]);
  });
});

describe('a proxy that is not http(s)', () => {
  const socks = 'socks5://mei:hidden@proxy.example:1080';
  test.each([
    { HTTPS_PROXY: socks, NO_PROXY: '*' },
    { HTTPS_PROXY: socks, no_proxy: 'volcengineapi.com' },
    { HTTP_PROXY: socks },
    { https_proxy: socks, JIMENG_VIDEO_API_URL: 'sandbox' },
    { HTTPS_PROXY: socks, HTTP_PROXY: socks, JIMENG_VIDEO_API_URL: 'http://127.0.0.1:8080' },
  ])('is ignored with a note where the API does not need it: %o', (environment) => {
    const { problems, notes, settings } = read(environment);
    expect(problems).toEqual([]);
    expect(notes.length).toBeGreaterThan(0);
    expect(JSON.stringify([notes, settings.proxy])).not.toMatch(/hidden|socks5/);
  });
});

describe('without a home folder', () => {
  const nowhere = (environment: Record<string, string> = {}) => readSettings(from(environment, { homeDir: undefined }));
  test('both folders that would be in it have to be set, each for what needs it', () => {
    const given = nowhere();
    expect(given.problems.map(({ name }) => name)).toEqual(['JIMENG_VIDEO_OUTPUT_DIR', 'JIMENG_VIDEO_STATE_DIR']);
    expect(given.problems[1]?.message).toBe(
      'JIMENG_VIDEO_STATE_DIR must be set to an absolute path: its default is in the home folder, and this process has none.',
    );
    expect(() => requireSettings(given, 'read')).toThrow('JIMENG_VIDEO_STATE_DIR must be set');
  });

  test('nothing is wrong when they are set, or the system names them', () => {
    expect(nowhere({ JIMENG_VIDEO_STATE_DIR: '/state', JIMENG_VIDEO_OUTPUT_DIR: 'none' }).problems).toEqual([]);
    expect(nowhere({ XDG_DATA_HOME: '/data', XDG_VIDEOS_DIR: '/videos' }).problems).toEqual([]);
  });

  test('a path that begins with ~ is refused, in every path setting', () => {
    const paths = ['OUTPUT_DIR', 'STATE_DIR', 'ALLOWED_DIRS', 'IMAGE_DIRS', 'FFMPEG'].map(
      (name) => `JIMENG_VIDEO_${name}`,
    );
    const { problems } = nowhere(Object.fromEntries(paths.map((name) => [name, '~/x'])));
    expect(problems.map(({ name, message }) => [name, message]).sort()).toEqual(
      paths
        .map((name) => [name, `${name} begins with ~, and this process has no home folder: write the whole path.`])
        .sort(),
    );
  });
});

test('a deleted working directory is noted, and stops nothing', () => {
  const { settings, problems, notes } = readSettings(from({ PWD: '/was/here' }, { workingDir: undefined }));
  expect([settings.workingDir, problems]).toEqual(['/was/here', []]);
  expect(notes.map(({ message }) => message)).toEqual(['The working directory no longer exists: give absolute paths.']);
});
