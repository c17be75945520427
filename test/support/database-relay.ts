/** Stands between a store and its database: cuts, hangs, loses the answer to a COMMIT, or leads to another server. */
import { connect, createServer, type Socket } from 'node:net';

export interface DatabaseRelay {
  readonly port: number;
  /** Where new connections lead. */
  target: number;
  /** Nothing passes any more, and nothing is closed: a silent partition. */
  isSilent: boolean;
  /** What happens to the next COMMIT: it arrives and its answer does not, or neither. */
  loseCommit: 'answer' | 'request' | undefined;
  /** COMMITs that were lost. */
  lost: number;
  cutAll(): void;
  close(): Promise<void>;
}

export async function startRelay(target: number): Promise<DatabaseRelay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(relay.target, '127.0.0.1');
    let isAnswerLost = false;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        if (!relay.isSilent) cut();
      });
    }
    client.on('data', (data) => {
      if (relay.isSilent) return;
      if (relay.loseCommit !== undefined && data.includes('COMMIT\0')) {
        isAnswerLost = relay.loseCommit === 'answer';
        relay.loseCommit = undefined;
        relay.lost++;
        if (!isAnswerLost) return cut();
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (isAnswerLost) return cut();
      if (!relay.isSilent) client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: DatabaseRelay = {
    ...{ port: (server.address() as { port: number }).port, target, isSilent: false, loseCommit: undefined, lost: 0 },
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}
