/** The contract of a library, held by a bucket of a real S3 server that checks signatures; path style and virtual hosts. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { S3Library } from '../../src/library/s3.ts';
import { createNetwork } from '../../src/system/network.ts';
import { makeBucket } from '../support/bucket.ts';
import { startProxy } from '../support/proxy-server.ts';
import { isSwiftInstalled, S3_KEYS, type SwiftServer, startSwift } from '../support/swift.ts';
import { describeLibrary, type LibraryStage } from './library.ts';

describe.skipIf(!isSwiftInstalled && process.env.CI !== 'true')('S3 (needs Swift)', () => {
  let server: SwiftServer;
  beforeAll(async () => {
    server = await startSwift();
  }, 120_000);
  afterAll(async () => await server?.close());

  const open = async (pathStyle: boolean): Promise<LibraryStage> => {
    const stateDir = await realpath(await mkdtemp(join(tmpdir(), 'library-s3-')));
    const bucket = await makeBucket(server);
    // A proxy is what looks up the names of the virtual hosts.
    const proxy = pathStyle ? undefined : await startProxy({ hosts: { [`${bucket.name}.s3.test`]: server.port } });
    const network = createNetwork({
      httpProxy: proxy && `http://${proxy.host}`,
      httpsProxy: undefined,
      noProxy: undefined,
    });
    const endpoint = new URL(pathStyle ? server.endpoint : `http://s3.test:${server.port}`);
    const address = { bucket: bucket.name, prefix: 'team/a b', endpoint, region: 'us-east-1', pathStyle };
    const again = () =>
      new S3Library({ address, keys: S3_KEYS, stateDir, homeDir: stateDir, network, clock: systemClock });
    return {
      ...{ library: again(), again, apart: 'content' },
      async fetch(url) {
        const { origin, pathname, search } = new URL(url);
        const dispatcher = await network.shared(new URL(url));
        const { statusCode, body } = await dispatcher.request({ origin, path: pathname + search, method: 'GET' });
        expect(statusCode).toBe(200);
        return Buffer.from(await body.arrayBuffer());
      },
      remove: (file) => bucket.remove(file.path),
      change: (file) => bucket.put(file.path, Buffer.alloc(file.bytes, 'x')),
      async close() {
        await network.close();
        await proxy?.close();
        await rm(stateDir, { recursive: true, force: true });
      },
    };
  };

  describeLibrary('a bucket, path style', () => open(true));
  describeLibrary('a bucket, virtual hosts', () => open(false));
});
