/** Is every variable read as the operator meant it, and are all that are wrong told together, by name? */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { missingKeys, readSettings, type Surroundings, surroundings } from '../src/settings.ts';
import { cacheFolder, readVideosFolder, stateFolder } from '../src/user-folders.ts';

const HOME = '/home/mei';
const KEYS = { VOLC_ACCESSKEY: 'AKLTEXAMPLE', VOLC_SECRETKEY: 'c2VjcmV0LXZhbHVl==' };

function from(environment: Record<string, string>, rest: Partial<Surroundings> = {}): Surroundings {
  return { environment, homeDir: HOME, workingDir: '/work-place', platform: 'linux', ...rest };
}
const read = (environment: Record<string, string>) => readSettings(from(environment));

/** Each variable with a value of its own, and where it ends up. */
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
  ['JIMENG_VIDEO_FFMPEG', 'C:\\ffmpeg.exe', 'ffmpeg', 'C:\\ffmpeg.exe'],
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
  ffmpeg: undefined,
  logLevel: 'info',
  proxy: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined },
};
const NAMES = [...GIVEN.map(([name]) => name), 'VOLC_ACCESSKEY', 'VOLC_SECRETKEY', 'VOLC_SESSION_TOKEN'];

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
      expect(missingKeys(from(all))).toEqual(['VOLC_ACCESSKEY', 'VOLC_SECRETKEY']);
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
    expect(missingKeys(from({ VOLC_ACCESSKEY: 'a' }))).toEqual(['VOLC_SECRETKEY']);
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
  test('is handed on as it was given: whether it is one is for the request that needs it', () => {
    for (const value of ['proxy.example:3128', 'socks5://proxy.example', 'not an address']) {
      const { settings, problems } = read({ HTTPS_PROXY: value });
      expect([settings.proxy.httpsProxy, problems]).toEqual([value, []]);
    }
  });
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
    ['LOG_LEVEL', 'loud', 'must be one of trace, debug, info, warn, error, fatal, silent.'],
  ])('%s=%s is refused with what would be right', (name, value, message) => {
    expect(read({ [name]: value }).problems).toEqual([{ name, message: `${name} ${message}` }]);
  });

  test.each(['ftp://x', 'example.com', 'https://me:pw@x', 'https://:pw@x', 'https://x?a=1', 'https://x#a', 'SANDBOX'])(
    'JIMENG_VIDEO_API_URL=%s is refused, and not repeated: it may hold a password',
    (url) => {
      const { problems, settings } = read({ JIMENG_VIDEO_API_URL: url });
      expect(problems).toHaveLength(1);
      expect(problems[0]?.message).toMatch(/^JIMENG_VIDEO_API_URL must be "sandbox" or an http\(s\) address/);
      expect(problems[0]?.message).not.toContain(url);
      // Never the sandbox by itself.
      expect(String(settings.api)).toBe('https://visual.volcengineapi.com/');
    },
  );

  test('a folder list with one wrong entry keeps the others, and an image list stays a limit', () => {
    expect(read({ JIMENG_VIDEO_ALLOWED_DIRS: '/a:b:/c' }).settings.allowedDirs).toEqual(['/a', '/c']);
    expect(read({ JIMENG_VIDEO_IMAGE_DIRS: 'b' }).settings.imageDirs).toEqual([]);
  });

  test.each(NAMES)('%s that arrived encrypted is refused by name', (name) => {
    const { problems } = read({ [name]: '__encrypted__:djEwabcdef' });
    expect(problems.map((problem) => problem.name)).toEqual([name]);
    expect(problems[0]?.message).toMatch(/arrived encrypted.*enter it again/);
    expect(problems[0]?.message).not.toContain('djEw');
  });

  test('all that are wrong are told together, each with its default in place', () => {
    const wrong = Object.fromEntries(NAMES.filter((name) => name !== 'JIMENG_VIDEO_FFMPEG').map((name) => [name, 'ü']));
    const { problems, settings } = read(wrong);
    const numbersAndFolders = GIVEN.map(([name]) => name).filter((name) => name !== 'JIMENG_VIDEO_FFMPEG');
    expect(problems.map((problem) => problem.name)).toEqual(
      expect.arrayContaining([...numbersAndFolders, 'VOLC_ACCESSKEY']),
    );
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

describe('the user’s folders', () => {
  const home = mkdtempSync(join(tmpdir(), 'user-folders-'));
  afterAll(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, '.config'));
  const userDirs = (line: string) => writeFileSync(join(home, '.config/user-dirs.dirs'), `# comment\n${line}\n`);
  const linux = (environment: Record<string, string> = {}) => readVideosFolder(from(environment, { homeDir: home }));

  test('of Linux: the desktop’s own name for it, else Videos', () => {
    expect(linux()).toBe(`${home}/Videos`);
    userDirs('XDG_VIDEOS_DIR="$HOME/Vidéos"');
    expect(linux()).toBe(`${home}/Vidéos`);
    userDirs('XDG_VIDEOS_DIR="/media/clips"');
    expect(linux()).toBe('/media/clips');
    expect(linux({ XDG_VIDEOS_DIR: '/x' })).toBe('/x');
    expect(linux({ XDG_CONFIG_HOME: '/nowhere' })).toBe(`${home}/Videos`);
  });

  test('of Linux: never the home folder itself, nor a relative one', () => {
    userDirs('XDG_VIDEOS_DIR="$HOME/"');
    expect(linux()).toBe(`${home}/Videos`);
    userDirs('XDG_VIDEOS_DIR="Videos"');
    expect(linux({ XDG_VIDEOS_DIR: 'here' })).toBe(`${home}/Videos`);
    expect(stateFolder(from({ XDG_DATA_HOME: 'here' }))).toBe('/home/mei/.local/share/jimeng-video-mcp');
    expect(stateFolder(from({ XDG_DATA_HOME: '/data' }))).toBe('/data/jimeng-video-mcp');
    expect(cacheFolder(from({ XDG_CACHE_HOME: 'here' }))).toBe('/home/mei/.cache/jimeng-video-mcp');
    expect(cacheFolder(from({ XDG_CACHE_HOME: '/cache' }))).toBe('/cache/jimeng-video-mcp');
  });

  test('of macOS', () => {
    const mac = from({ XDG_DATA_HOME: '/data' }, { platform: 'darwin', homeDir: '/Users/mei' });
    expect(readVideosFolder(mac)).toBe('/Users/mei/Movies');
    expect(stateFolder(mac)).toBe('/Users/mei/Library/Application Support/jimeng-video-mcp');
    expect(cacheFolder(mac)).toBe('/Users/mei/Library/Caches/jimeng-video-mcp');
  });

  test('of Windows', () => {
    const windows = from({}, { platform: 'win32', homeDir: 'C:\\Users\\mei' });
    expect(readVideosFolder(windows)).toBe('C:\\Users\\mei\\Videos');
    expect(stateFolder(windows)).toBe('C:\\Users\\mei\\AppData\\Local\\jimeng-video-mcp\\Data');
    const moved = { ...windows, environment: { LOCALAPPDATA: 'D:\\Local' } };
    expect(stateFolder(moved)).toBe('D:\\Local\\jimeng-video-mcp\\Data');
    expect(cacheFolder(moved)).toBe('D:\\Local\\jimeng-video-mcp\\Cache');
  });
});
