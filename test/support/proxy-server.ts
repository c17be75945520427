/** A corporate proxy on this machine: CONNECT and plain HTTP, names that only it resolves, a password. */
import { createServer, request as forward, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxyOptions {
  /** Name → local port. What is not here it cannot resolve. */
  readonly hosts: Readonly<Record<string, number>>;
  /** `user:password`; asked for with 407. */
  readonly credentials?: string;
  /** The status of every answer, to CONNECT and to plain requests. */
  readonly refuseWith?: number;
  /** The proxy itself is reached over TLS. */
  readonly certificate?: { readonly key: string; readonly cert: string };
  /** Takes connections, and never answers a CONNECT. */
  readonly isStuck?: boolean;
}

export interface ProxyServer {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** `CONNECT name:port` and `POST http://name/…`, in their order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function startProxy(options: ProxyOptions): Promise<ProxyServer> {
  const { hosts, credentials, refuseWith, certificate, isStuck } = options;
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const refusalOf = (message: IncomingMessage, name: string): number | undefined => {
    if (expected !== undefined && message.headers['proxy-authorization'] !== expected) return 407;
    return refuseWith ?? (hosts[name] === undefined ? 502 : undefined);
  };

  const answer: RequestListener = (message, response) => {
    asked.push(`${message.method} ${message.url}`);
    const target = new URL(message.url ?? '');
    const refusal = refusalOf(message, target.hostname);
    if (refusal !== undefined) {
      response.writeHead(refusal, { 'content-type': 'text/html' }).end('<html>the proxy says no</html>');
      return;
    }
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = message.headers;
    const place = { port: hosts[target.hostname], path: target.pathname + target.search, method: message.method };
    const onward = forward({ ...place, headers }, (received) => {
      response.writeHead(received.statusCode ?? 502, received.headers);
      // Swift sends a body after the head: Node's parser takes it for an error.
      if (message.method === 'HEAD') response.end();
      else received.pipe(response);
    });
    onward.on('error', () => response.writableEnded || response.destroy());
    message.pipe(onward);
  };
  const server = certificate === undefined ? createServer(answer) : createSecureServer(certificate, answer);

  server.on('connect', (message: IncomingMessage, client: Socket) => {
    asked.push(`CONNECT ${message.url}`);
    if (isStuck) return;
    const [name = ''] = (message.url ?? '').split(':');
    const refusal = refusalOf(message, name);
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const onward = connect(hosts[name] ?? 0, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    sockets.add(onward);
    for (const socket of [onward, client]) socket.on('error', () => [onward, client].map((end) => end.destroy()));
  });
  server.on('connection', (socket) => sockets.add(socket));

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
