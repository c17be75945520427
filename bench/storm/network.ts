/** Several hosts on one machine: network namespaces, each with a route to the database that can be cut. Needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { connect, createServer, type Server } from 'node:net';

/** Where the database and the provider are found from every host. */
export const DATABASE_ADDRESS = '10.77.0.1';
const PROVIDER_ADDRESS = '10.77.200.1';
const ADDRESSES = [DATABASE_ADDRESS, PROVIDER_ADDRESS];

/** Runs in a namespace: the sandbox is only found as a loopback address. */
const RELAY = `
const { connect, createServer } = require('node:net');
const [port, host] = process.argv.slice(1);
createServer((near) => {
  const far = connect(Number(port), host);
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
  near.on('close', () => far.destroy());
  far.on('close', () => near.destroy());
}).listen(Number(port), '127.0.0.1');`;

export interface Host {
  readonly number: number;
  /** What a program is started with to run on it. */
  readonly command: readonly string[];
  /** Nothing that the database sends arrives; connections stay open, and neither side gets an error. */
  partition(): void;
  heal(): void;
}

export interface HostNetwork {
  readonly hosts: readonly Host[];
  close(): Promise<void>;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** @param providerPort of the sandbox on this machine @throws Error where namespaces cannot be made */
export async function openHosts(count: number, providerPort: number): Promise<HostNetwork> {
  const relays: ChildProcess[] = [];
  const names = Array.from({ length: count }, (_, index) => `jimeng-storm-${index + 1}`);
  const removeAll = () => {
    for (const relay of relays) relay.kill('SIGKILL');
    for (const args of [
      ...names.map((_, index) => ['link', 'del', `jst${index + 1}a`]),
      ...names.map((name) => ['netns', 'del', name]),
      ...ADDRESSES.map((address) => ['addr', 'del', `${address}/32`, 'dev', 'lo']),
    ]) {
      try {
        ip(...args);
      } catch {
        // Not made, or left by nobody.
      }
    }
  };
  removeAll();
  for (const address of ADDRESSES) ip('addr', 'add', `${address}/32`, 'dev', 'lo');
  const hosts = names.map((name, index): Host => {
    const [here, there] = [`jst${index + 1}a`, `jst${index + 1}b`];
    const [gateway, forDatabase, forProvider] = [1, 2, 3].map((last) => `10.77.${index + 1}.${last}`) as [
      ...[string, string, string],
    ];
    ip('netns', 'add', name);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there);
    ip('link', 'set', there, 'netns', name);
    ip('addr', 'add', `${gateway}/24`, 'dev', here);
    ip('link', 'set', here, 'up');
    for (const args of [
      ['link', 'set', 'lo', 'up'],
      ['addr', 'add', `${forDatabase}/24`, 'dev', there],
      ['addr', 'add', `${forProvider}/24`, 'dev', there],
      ['link', 'set', there, 'up'],
      ['route', 'add', DATABASE_ADDRESS, 'via', gateway, 'src', forDatabase],
      ['route', 'add', PROVIDER_ADDRESS, 'via', gateway, 'src', forProvider],
    ]) {
      ip('-n', name, ...args);
    }
    const command = ['ip', 'netns', 'exec', name, process.execPath];
    const relay = [...command.slice(1), '-e', RELAY, String(providerPort), PROVIDER_ADDRESS];
    relays.push(spawn('ip', relay, { stdio: 'ignore' }));
    return {
      ...{ number: index + 1, command },
      partition: () => ip('route', 'replace', 'blackhole', `${forDatabase}/32`),
      heal: () => ip('route', 'del', 'blackhole', `${forDatabase}/32`),
    };
  });
  const provider = await relayTo(providerPort);
  return {
    hosts,
    async close() {
      removeAll();
      await new Promise((resolve) => provider.close(resolve));
    },
  };
}

async function relayTo(port: number): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, PROVIDER_ADDRESS, resolve);
  });
  server.unref();
  return server;
}
