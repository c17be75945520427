/** A port at which nobody listens, and which no other program is given meanwhile. */
import { connect, createServer, type Socket } from 'node:net';

export interface HeldPort {
  readonly port: number;
  /** From now on any program may get it. */
  release(): Promise<void>;
}

/**
 * A port that was listened on and closed is free for whoever comes next. This one is the local end of a connection: the
 * system gives it to nobody else, whoever connects to it is refused, and a server that names it can listen there.
 */
export async function holdPort(): Promise<HeldPort> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: target } = server.address() as { port: number };
  const held = connect({ port: target, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: 0 });
  await new Promise<void>((resolve, reject) => held.once('connect', resolve).once('error', reject));
  return {
    port: held.localPort ?? 0,
    async release() {
      for (const socket of [held, ...accepted]) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
