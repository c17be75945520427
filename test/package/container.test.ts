/** The Dockerfile and the compose file, without an engine: what they name exists, and the image's program runs as the image has it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/settings.ts';
import { until } from '../support/mcp-client.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Instructions with their continuation lines, comments left out. */
const instructions = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const stages = instructions.join('\n').split(/^(?=FROM )/m);
const values = (name: string, stage = stages.at(-1) ?? '') =>
  [...stage.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, value = '']) => value);
/** Each variable of ENV. */
const env = Object.fromEntries(
  values('ENV').flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value])),
);
const healthCheck = JSON.parse(/CMD (\[.*\])$/.exec(values('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]') as string[];

describe('the Dockerfile', () => {
  it('has a stage that builds and one that runs, without what only building needs', () => {
    expect(stages).toHaveLength(2);
    expect(values('COPY')).toEqual(['LICENSE ./', '--from=build /build/dist dist']);
  });

  it('copies only what exists and is not ignored', () => {
    const kept = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const line of values('COPY', stages[0])) {
      const sources = line.split(' ').slice(0, -1);
      for (const source of sources) {
        expect(existsSync(join(ROOT, source)), source).toBe(true);
        expect(kept, source).toContain(source);
      }
    }
  });

  it('runs as a user without rights, and listens where a container is reached', () => {
    expect(values('USER')).toEqual(['node']);
    expect(JSON.parse(values('CMD')[0] ?? '')).toEqual(['serve', '--host', '0.0.0.0', '--port', '8080']);
    expect(JSON.parse(values('ENTRYPOINT')[0] ?? '')).toEqual(['node', '/app/dist/main.js']);
  });

  it('sets only settings that exist', () => {
    const known = Object.values(SETTINGS).map(({ name }) => name);
    for (const name of Object.keys(env).filter((key) => key.startsWith('JIMENG_'))) expect(known).toContain(name);
  });
});

describe('the program of the image, from a folder that cannot be written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jimeng-container-'));
  const app = join(folder, 'app');
  const data = join(folder, 'data');
  let child: ChildProcess;
  let url: string;
  beforeAll(async () => {
    cpSync(join(ROOT, 'dist'), join(app, 'dist'), { recursive: true });
    mkdirSync(data);
    const everything = readdirSync(app, { recursive: true, encoding: 'utf8' }).map((path) => join(app, path));
    for (const path of [app, ...everything]) chmodSync(path, 0o555);
    chmodSync(folder, 0o755);
    chmodSync(data, 0o777);
    const settings = Object.entries(env).map(([name, value]) => [name, String(value).replace('/data', data)]);
    const isRoot = process.getuid?.() === 0;
    child = spawn(process.execPath, [join(app, 'dist', 'main.js'), 'serve', '--port', '0'], {
      cwd: app,
      env: { ...Object.fromEntries(settings), JIMENG_VIDEO_API_URL: 'sandbox' },
      ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
    });
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    await until('the server to listen', () => /listening on \S+\n/.test(stderr) || child.exitCode !== null);
    url = /listening on (\S+)/.exec(stderr)?.[1] ?? expect.fail(stderr);
  });
  afterAll(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('makes a video and saves it below /data', async () => {
    const params = { name: 'generate_video', arguments: { prompt: 'in a container', wait_seconds: 40 } };
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer.
    const { result } = (await response.json()) as any;
    expect(result.structuredContent.status).toBe('done');
    expect(result.structuredContent.video.path).toMatch(new RegExp(`^${data}/videos/`));
  });

  it('is healthy by the image’s own check, and not when it has ended', async () => {
    const [, ...args] = healthCheck.map((part) => part.replace('http://127.0.0.1:8080', url));
    const check = () => promisify(execFile)(process.execPath, args);
    await check();
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await expect(check()).rejects.toMatchObject({ code: 1 });
  });
});

describe('compose.yaml', () => {
  // biome-ignore lint/suspicious/noExplicitAny: any YAML.
  const compose = parse(read('compose.yaml'), { merge: true }) as any;
  const servers = ['server-1', 'server-2'].map((name) => compose.services[name]);

  it('starts two servers on one database and one storage, each read-only and without rights', () => {
    for (const server of servers) {
      expect(server).toMatchObject({ read_only: true, cap_drop: ['ALL'], tmpfs: ['/tmp'] });
      expect(server.environment.JIMENG_VIDEO_STORE).toMatch(/^postgres:\/\/.*@database:5432\//);
      expect(server.environment.JIMENG_VIDEO_STORAGE).toMatch(/^s3:\/\/videos\?/);
      expect(server.depends_on.database.condition).toBe('service_healthy');
      expect(parseInt(server.stop_grace_period, 10)).toBeGreaterThan(10);
    }
  });

  it('sets only variables that the program reads', () => {
    const known = Object.values(SETTINGS).map(({ name }) => name);
    const later = ['JIMENG_VIDEO_STORAGE'];
    for (const name of Object.keys(servers[0].environment).filter((key) => /^(JIMENG|VOLC)_/.test(key))) {
      expect([...known, ...later]).toContain(name);
    }
  });

  it('holds no password, publishes nothing beyond this computer, and names only volumes and files that exist', () => {
    expect(read('compose.yaml')).not.toMatch(/PASSWORD: (?!\$\{)/);
    for (const [name, service] of Object.entries<{ ports?: string[]; volumes?: string[]; depends_on?: object }>(
      compose.services,
    )) {
      for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/);
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0] ?? '';
        const isThere = source.startsWith('./')
          ? source === './access' || existsSync(join(ROOT, source))
          : source in compose.volumes;
        expect(isThere, volume).toBe(true);
      }
      const needed = Array.isArray(service.depends_on) ? service.depends_on : Object.keys(service.depends_on ?? {});
      for (const other of needed) expect(Object.keys(compose.services), name).toContain(other);
    }
  });

  it('lets the proxy ask the servers whether they are ready', () => {
    const caddy = read('examples/server/Caddyfile');
    expect(caddy).toContain('reverse_proxy server-1:8080 server-2:8080');
    expect(caddy).toContain('health_uri /readyz');
  });
});
