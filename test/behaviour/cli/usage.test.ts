/** Wrong usage is reported before anything is sent, in words of the command line, with exit code 2. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { makeWorkspace } from '../../support/workspace.ts';
import { setStage } from './stage.ts';

const SLIPS: readonly (readonly [string[], RegExp[]])[] = [
  [['generate'], [/^PROMPT is missing: say what the video shows/]],
  [
    ['generate', 'a', 'cat'],
    [/too many arguments/, /A prompt of several words goes in quotes/],
  ],
  [
    ['generate', 'x', '--sed', '1'],
    [/unknown option '--sed'/, /Did you mean --seed/],
  ],
  [
    ['generate', 'x', '--output', '--json'],
    [/--output <path>/, /It looks like the next option/],
  ],
  [
    ['generate', 'x', '--duration', '7', '--fps', 'many', '--seed', '1.5', '--wait-seconds', '-1'],
    [
      /--duration must be one of 4, 5, 6, 8, 10, but is 7\./,
      /--fps must be one of 24, 25, 30, but is "many"\./,
      /--seed must be a whole number .*, but is 1\.5\./,
      /--wait-seconds must be at least 0\./,
    ],
  ],
  [
    ['generate', 'x', '--tail-image', 'https://example.com/a.png', '--aspect-ratio', '1:1'],
    [/--tail-image needs `image`, the first frame; modes that take it: /, /Then run it again/],
  ],
  [
    ['generate', 'x', '--image', 'nowhere.png'],
    [/nowhere\.png/, /image/],
  ],
  [['get'], [/No video has been made with this account/]],
  [
    ['get', 'jv-nothing'],
    [/No task "jv-nothing" is recorded/, /For the ids, run: node .*main\.js'? list\n/],
  ],
  [
    ['get', '123456', '--mode', 't2v_720p'],
    [
      /No task "123456" is recorded here, and it cannot be an id of the provider: those have 10 to 24 digits\.\nCheck the id\./,
    ],
  ],
  [['list', '--limit', '51'], [/--limit must be at most 50, but is 51\./]],
  [['list', '--status', 'finished'], [/--status must be one of queued, /]],
  [['sandbox', '--port', '99999'], [/--port must be at most 65535/]],
  [['generat'], [/unknown command 'generat'/, /Did you mean generate/]],
];

describe.concurrent('wrong usage', () => {
  it.for(SLIPS)('%o', async ([args, patterns], context) => {
    const stage = await setStage(context);
    const { code, stdout, stderr } = await stage.run(...args);
    for (const pattern of patterns) expect(stderr).toMatch(pattern);
    expect(stderr).not.toMatch(/_video_task|generate_video|tail_image`|\n\s+at /);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(stage.sandbox.requests).toEqual([]);
  });

  it('missing keys and wrong settings are reported by name, with --json on stdout too', async (context) => {
    const workspace = makeWorkspace(undefined, { VOLC_ACCESSKEY: 'AKLTtest' });
    context.onTestFinished(() => workspace.remove());
    const missing = await runCommand(['generate', 'x', '--json'], workspace);
    expect(missing.stderr).toMatch(/^VOLC_SECRETKEY is not set/);
    expect(missing.stderr).toContain('Set VOLC_SECRETKEY (keys are made at');
    expect(missing.stderr).toContain('without an account. Then run it again.');
    expect(JSON.parse(missing.stdout)).toMatchObject({ status: 'refused', error: { code: 'missing_credentials' } });
    expect(missing.code).toBe(2);
    workspace.env.JIMENG_VIDEO_CONCURRENCY = 'two';
    workspace.env.JIMENG_VIDEO_API_TIMEOUT = '-1';
    workspace.env.VOLC_SECRETKEY = 'c2VjcmV0';
    workspace.env.JIMENG_VIDEO_STATE_DIR = 'relative';
    const list = await runCommand(['list', '--json'], workspace);
    expect(list.stderr).toMatch(/^JIMENG_VIDEO_STATE_DIR must be [^\n]*\n/);
    expect(list.stderr).not.toContain('JIMENG_VIDEO_CONCURRENCY');
    expect(JSON.parse(list.stdout)).toMatchObject({ tasks: [] });
    const wrong = await runCommand(['generate', 'x', '--json'], workspace);
    expect(wrong.stderr).toMatch(/JIMENG_VIDEO_API_TIMEOUT must be .* JIMENG_VIDEO_CONCURRENCY must be /);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ status: 'refused' });
    expect(wrong.code).toBe(2);
    expect(JSON.parse((await runCommand(['collect', '--json'], workspace)).stdout)).toMatchObject([
      { status: 'refused' },
    ]);
  });

  it('--help lists the commands, and --version is the version, on stdout, with 0', async (context) => {
    const workspace = makeWorkspace(undefined);
    context.onTestFinished(() => workspace.remove());
    const help = await runCommand(['--help'], workspace);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) .* {2,}/gm)].map(([, name]) => name);
    expect(commands).toEqual(expect.arrayContaining(['generate', 'get', 'list', 'cancel', 'collect', 'sandbox']));
    expect(help).toMatchObject({ code: 0, stderr: '' });
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(await runCommand(['--version'], workspace)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe.concurrent('without keys', () => {
  const NO_KEYS = 'VOLC_ACCESSKEY and VOLC_SECRETKEY are not set';
  const placeOf = (env: Record<string, string> = {}) => makeWorkspace(undefined, env);

  it('a dry run checks everything, and says that the paid call needs keys', async ({ onTestFinished }) => {
    const place = placeOf();
    onTestFinished(place.remove);
    const { code, stdout } = await runCommand(['generate', 'x', '--dry-run'], place);
    expect(stdout).toContain(NO_KEYS);
    expect(stdout).toMatch(
      /\n\nSet VOLC_ACCESSKEY and VOLC_SECRETKEY .* Then run it without --dry-run to generate it\.\s*$/,
    );
    expect(code).toBe(0);
  });

  it('cancel is refused for want of an account, and claims nothing about the task', async ({ onTestFinished }) => {
    const place = placeOf();
    onTestFinished(place.remove);
    const { code, stderr } = await runCommand(['cancel', 'jv-mf0h5s00-k7m2p'], place);
    expect(stderr).toContain(NO_KEYS);
    expect(stderr).not.toContain('recorded for this account');
    expect(code).toBe(2);
  });

  it('list names a wrong setting, and not the keys that it would need otherwise', async ({ onTestFinished }) => {
    for (const keys of [{}, { VOLC_ACCESSKEY: 'AKLTx', VOLC_SECRETKEY: 'y' }]) {
      const place = placeOf({ JIMENG_VIDEO_API_URL: 'sandbx', ...keys });
      onTestFinished(place.remove);
      const { stdout } = await runCommand(['list'], place);
      expect(stdout).toContain('JIMENG_VIDEO_API_URL must be');
      expect(stdout).toContain('Correct JIMENG_VIDEO_API_URL.');
      expect(stdout).not.toContain('keys');
    }
  });
});
