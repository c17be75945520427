/** A storage that knows put, head and delete, and keeps no metadata: videos are saved there, too. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { S3Library } from '../../../src/library/s3.ts';
import { createNetwork, type Network } from '../../../src/system/network.ts';

let objects: Map<string, Buffer>;
/** Of every answer. */
let headers: Record<string, string>;
let folder: string;
let server: Server;
let network: Network;

beforeEach(async () => {
  objects = new Map();
  headers = {};
  folder = await mkdtemp(join(tmpdir(), 'jimeng-plain-storage-'));
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [key = ''] = (request.url ?? '').split('?', 1);
    if (request.method === 'PUT') objects.set(key, Buffer.concat(chunks));
    const found = request.method === 'HEAD' ? objects.get(key) : Buffer.alloc(0);
    response.writeHead(found === undefined ? 404 : 200, { ...headers, 'content-length': found?.length ?? 0 });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  network = createNetwork({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined });
});
afterEach(async () => {
  await network.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function publish() {
  const endpoint = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const library = new S3Library({
    address: { bucket: 'videos', prefix: '', endpoint, region: 'us-east-1', pathStyle: true },
    keys: { accessKeyId: 'access', secretAccessKey: 'secret' },
    ...{ stateDir: folder, homeDir: folder, network, clock: systemClock },
  });
  const place = await library.choose(undefined, { kind: 'terminal' });
  const file = await library.staging(place, 'one');
  await writeFile(file, 'a video');
  return await library.publish(file, place, 'dog.mp4');
}

it('a video is saved', async () => {
  const { path } = await publish();
  expect(objects.get(`/videos/${encodeURIComponent(path.slice('s3://videos/'.length))}`)?.toString()).toBe('a video');
});

it('a storage that has other content than was uploaded is reported as that', async () => {
  headers = { 'x-amz-meta-sha256': 'another' };
  await expect(publish()).rejects.toMatchObject({
    code: 'save_failed',
    message: expect.stringMatching(/^The storage has something else as s3:\/\/videos\/dog \w+\.mp4\.$/),
  });
});
