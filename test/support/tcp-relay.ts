/** Stands between clients and a server on this computer; what of their bytes passes is for the caller to say. */
import { connect, createServer, type Socket } from 'node:net';

export interface RelayOptions {
  /** Where a new connection leads. */
  target(): number;
  /** Where clients connect; undefined: 127.0.0.1. */
  readonly host?: string | undefined;
  /** The end of one side is kept from the other. */
  readonly keepsEnds?: () => boolean;
  /** Passes on what arrives. @param cut ends both sides */
  pass(client: Socket, upstream: Socket, cut: () => void): void;
}

export interface TcpRelay {
  readonly port: number;
  cutAll(): void;
  close(): Promise<void>;
}

export async function startTcpRelay(options: RelayOptions): Promise<TcpRelay> {
  const { target, host = '127.0.0.1', keepsEnds = () => false, pass } = options;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target(), '127.0.0.1');
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        if (!keepsEnds()) cut();
      });
    }
    pass(client, upstream, cut);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cutAll,
    async close() {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
