/** The Claude Desktop bundle, unpacked and started as the app does it, with only Node on the PATH. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRAMES_OF_SECONDS } from '../../src/jimeng/modes.ts';
import { makeTaskId } from '../../src/sandbox/identifiers.ts';
import { type Session, until } from '../support/mcp-client.ts';
import { SANDBOX_CREDENTIALS, startSandbox } from '../support/sandbox.ts';
import { filesUnder, openBundle, type UnpackedBundle } from './unpacked-bundle.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAX_BYTES = 2_000_000;
const PROMPT = 'A paper boat on a pond';
const KEYS = { access_key: SANDBOX_CREDENTIALS.accessKeyId, secret_key: SANDBOX_CREDENTIALS.secretAccessKey };

let bundle: UnpackedBundle;
let filesBefore: string[];
beforeAll(() => {
  bundle = openBundle();
  filesBefore = bundle.files();
});
afterAll(() => bundle.remove());

async function using<Result>(starting: Promise<Session>, use: (session: Session) => Promise<Result>): Promise<Result> {
  const session = await starting;
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** The command lines of all processes that this one starts meanwhile. Undefined where the system does not provide them. */
function watchChildren(pid: number): { readonly seen: Set<string>; stop(): void } | undefined {
  if (readOrEmpty(`/proc/${pid}/stat`) === '') return undefined;
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const task of namesIn(`/proc/${pid}/task`)) {
      const children = readOrEmpty(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean);
      for (const child of children) seen.add(readOrEmpty(`/proc/${child}/cmdline`).replaceAll('\0', ' '));
    }
  }, 5);
  return { seen, stop: () => clearInterval(timer) };
}

/** A thread or a process may end while it is looked at. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

describe('the bundle', () => {
  it('holds the build, the manifest, the icon, the licence and the Chinese texts, and nothing else', () => {
    const built = filesUnder(join(ROOT, 'dist')).map((path) => `dist/${path}`);
    const others = ['LICENSE', 'icon.png', 'manifest.json', 'mcpb-resources/zh-CN.json'];
    expect(filesBefore).toEqual([...built, ...others].sort());
    expect(filesBefore.filter((path) => /\.(node|dll|so|dylib|exe|map)$/.test(path))).toEqual([]);
  });

  it('is under 2 MB', () => {
    const sizes = filesBefore.map(
      (path) => deflateRawSync(readFileSync(join(bundle.folder, path)), { level: 9 }).length,
    );
    // What the archive adds to a file: its name twice and under 150 bytes.
    const bytes = sizes.reduce((sum, size) => sum + size + 350, 0);
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(MAX_BYTES);
  });

  it('says which Node it needs as the package does, without an upper end', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(bundle.manifest.compatibility.runtimes.node).toBe(engines.node);
    expect(engines.node).toMatch(/^>=22\.\d+\.\d+$/);
  });

  it('never starts another Node: inside the app, process.execPath is no Node', () => {
    const sources = filesUnder(join(ROOT, 'src')).filter((path) => path.endsWith('.ts'));
    const naming = sources.filter((path) =>
      /\bexecPath\b|\bfork\(/.test(readFileSync(join(ROOT, 'src', path), 'utf8')),
    );
    // `setup` prints the path: for the configuration of another client, and in the commands to copy.
    expect(naming).toEqual(['cli/here.ts']);
  });
});

describe('started with only Node on the PATH', () => {
  it('with nothing filled in it is who the manifest says, lists its tools, and says which keys are missing', async () => {
    await using(bundle.start(), async ({ client, call }) => {
      const { name, version } = bundle.manifest;
      expect(client.getServerVersion()).toMatchObject({ name, version });
      const { tools } = await client.listTools();
      expect(tools.map(({ name: tool, description }) => ({ name: tool, description }))).toEqual(bundle.manifest.tools);
      const { report } = await call('generate_video', { prompt: PROMPT });
      expect(report).toMatchObject({ status: 'refused', error: { code: 'missing_credentials' } });
      expect(report.message).toMatch(/^VOLC_ACCESSKEY and VOLC_SECRETKEY are not set/);
    });
  });

  it('empty options are as good as placeholders', async () => {
    const refused = await using(bundle.startWithAll(''), ({ call }) => call('generate_video', { prompt: PROMPT }));
    expect(refused.report.error?.code).toBe('missing_credentials');
  });

  it('it makes a video, saves it in the folder that was picked, and starts no other process', async () => {
    const sandbox = await startSandbox({ generationSeconds: 0.1, requestsPerSecond: 1000 });
    const output_folder = join(bundle.homeDir, '我的 videos');
    const filled = { ...KEYS, api_url: sandbox.url, output_folder, wait_seconds: 1, daily_budget: 2.5 };
    await using(bundle.start(filled), async ({ call, pid }) => {
      const children = watchChildren(pid);
      const { report: submitted } = await call('submit_video_task', { prompt: PROMPT });
      let saved = submitted;
      await until('the saved video', async () => {
        saved = (await call('get_video_task', { task_id: submitted.task_id, wait_seconds: 0.5 })).report;
        return saved.status === 'done';
      });
      children?.stop();
      expect(saved.video?.path?.startsWith(output_folder)).toBe(true);
      expect(statSync(saved.video?.path ?? '').size).toBe(saved.video?.bytes);
      expect([...(children?.seen ?? [])]).toEqual([]);
      // The budget is ¥2.50 as a text, and the video was ¥1.40.
      const second = await call('generate_video', { prompt: 'Another one' });
      expect([second.report.status, second.report.error?.code]).toEqual(['refused', 'budget_exceeded']);
    });
    expect(sandbox.accepted.length).toBe(1);
    await sandbox.close();
  });

  it('its own sandbox, clips included, is in it', async () => {
    const acceptedAt = Date.now() - 60_000;
    const [mode, frames] = ['t2v_720p', FRAMES_OF_SECONDS[5]] as const;
    const key = SANDBOX_CREDENTIALS.secretAccessKey;
    const task_id = makeTaskId({ acceptedAt, mode, frames, ratio: '16:9', unreachableImage: false }, key);
    await using(bundle.start({ api_url: 'sandbox' }), async ({ call }) => {
      const { report } = await call('get_video_task', { task_id, mode });
      expect(report).toMatchObject({ status: 'done', sandbox: true, video: { width: 1248, height: 704 } });
      expect(report.video?.path?.startsWith(join(bundle.homeDir, ''))).toBe(true);
    });
  });

  it('an encrypted key is reported and never sent', async () => {
    const sandbox = await startSandbox();
    const filled = { ...KEYS, secret_key: '__encrypted__:djEwPrNyq1', api_url: sandbox.url };
    await using(bundle.start(filled), async ({ call }) => {
      for (const [tool, given] of [
        ['generate_video', { prompt: PROMPT }],
        ['get_video_task', { task_id: '7392616336519610409', mode: 't2v_720p' }],
      ] as const) {
        const { report, text } = await call(tool, given);
        expect(report).toMatchObject({ status: 'refused', error: { code: 'invalid_settings', who: 'operator' } });
        expect(report.message).toBe(
          'VOLC_SECRETKEY arrived encrypted, which only the app that stored it can read: enter it again in the settings.',
        );
        expect(text).not.toContain('djEwPrNyq1');
      }
    });
    expect(sandbox.requests).toEqual([]);
    await sandbox.close();
  });

  it('nothing of it was written into its own folder', () => {
    expect(bundle.files()).toEqual(filesBefore);
  });
});
