/** Stands between a server and its storage: counts uploads, cuts them in the middle, or stops at a moment. */
import { connect, createServer, type Socket } from 'node:net';

export interface StorageRelay {
  readonly endpoint: string;
  /** PUTs of videos that began. */
  uploads: number;
  /** Each upload is cut after so many bytes. */
  cutAfter: number | undefined;
  /** So many uploads, or parts of one, are let through before. */
  spared: number;
  /** Called before a HEAD that follows an upload is let through. */
  onceUploaded: (() => void) | undefined;
  close(): Promise<void>;
}

export async function startStorageRelay(target: number): Promise<StorageRelay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let sent = 0;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (data) => {
      const [method, path = ''] = data.toString('latin1', 0, 2000).split(' ', 2);
      if (method === 'PUT' && path.includes('.mp4')) {
        relay.uploads++;
        sent = 0;
      }
      if (method === 'HEAD' && relay.uploads > 0 && relay.onceUploaded !== undefined) {
        relay.onceUploaded();
        return cut();
      }
      sent += data.length;
      if (relay.cutAfter !== undefined && relay.uploads > relay.spared && sent > relay.cutAfter) {
        const left = Math.max(0, data.length - (sent - relay.cutAfter));
        upstream.end(data.subarray(0, left), cut);
        return;
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => client.write(data));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: StorageRelay = {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    ...{ uploads: 0, cutAfter: undefined, spared: 0, onceUploaded: undefined },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}
