/** A real S3 server that checks signatures: OpenStack Swift with `s3api`, in a temporary folder on free ports. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './postgres.ts';

const run = promisify(execFile);
const SUPPORT = fileURLToPath(new URL('.', import.meta.url));
const SERVERS = ['account', 'container', 'object', 'proxy'] as const;
const PACKAGES = 'swift-proxy swift-account swift-container swift-object';
/** The interpreter that Debian's packages are installed for. */
const PYTHON = '/usr/bin/python3';

export const isSwiftInstalled = SERVERS.every((name) => existsSync(`/usr/bin/swift-${name}-server`));

export const S3_KEYS = { accessKeyId: 'jimeng:tester', secretAccessKey: 'a-secret-of-the-test' };

export interface SwiftServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`; virtual hosts are those of `s3.test`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** @throws Error with a sentence where Swift is not installed */
export async function startSwift(): Promise<SwiftServer> {
  if (!isSwiftInstalled) {
    throw new Error(`This test needs Swift: apt-get install -y --no-install-recommends ${PACKAGES}`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'jimeng-swift-'));
  await mkdir(join(folder, 'disks', 'disk'), { recursive: true });
  const ports = await Promise.all(SERVERS.map(() => freePort()));
  const [account, container, object, port] = ports.map(String);
  await run(PYTHON, [join(SUPPORT, 'swift_rings.py'), folder, account ?? '', container ?? '', object ?? '']);
  const children: ChildProcess[] = [];
  let log = '';
  for (const [index, name] of SERVERS.entries()) {
    const file = join(folder, `${name}.conf`);
    await writeFile(file, name === 'proxy' ? proxyConf(folder, port) : backendConf(name, folder, ports[index]));
    const child = spawn(PYTHON, [`/usr/bin/swift-${name}-server`, file, '-v'], {
      env: { PATH: process.env.PATH, PYTHONPATH: SUPPORT, PYTHONDONTWRITEBYTECODE: '1', HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += chunk));
    children.push(child);
  }
  const endpoint = `http://127.0.0.1:${port}`;
  const close = async () => {
    await Promise.all(children.map(ended));
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  for (let tries = 0; ; tries++) {
    const backends = await Promise.all(ports.map((one) => answers(`http://127.0.0.1:${one}/healthcheck`)));
    if (backends.every(Boolean)) return { port: Number(port), endpoint, close };
    if (tries > 300 || children.some(({ exitCode }) => exitCode !== null)) {
      await close();
      throw new Error(`Swift does not start: ${log.slice(-2000)}`);
    }
    await sleep(100);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await over;
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

/**
 * By default a server waits 0.5 s for a connection to another one, and an object is missing in its bucket's list where
 * the container does not take it within 1 s: too little on a machine that is busy with other tests.
 */
const PATIENCE = 'conn_timeout = 60\nnode_timeout = 60';

function backendConf(name: string, folder: string, port: number | undefined): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
devices = ${folder}/disks
mount_check = false
recon_cache_path = ${folder}
fallocate_reserve = 0
container_update_timeout = 60
${PATIENCE}
[pipeline:main]
pipeline = healthcheck ${name}-server
[app:${name}-server]
use = egg:swift#${name}
[filter:healthcheck]
use = egg:swift#healthcheck
`;
}

function proxyConf(folder: string, port: string | undefined): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${PATIENCE}
[filter:cache]
paste.filter_factory = swift_cache:filter_factory
[filter:s3api]
use = egg:swift#s3api
storage_domain = s3.test
allow_multipart_uploads = true
min_segment_size = 5242880
[filter:tempauth]
use = egg:swift#tempauth
user_jimeng_tester = ${S3_KEYS.secretAccessKey} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:symlink]
use = egg:swift#symlink
[filter:bulk]
use = egg:swift#bulk
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
`;
}
