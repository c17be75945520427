/** Serves the sandbox under a public name over HTTPS: a front end verifies the signature for that name and signs again. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { signedHeaders } from '../../src/jimeng/signature.ts';
import { verifySignature } from '../../src/sandbox/verify-signature.ts';
import type { Sandbox } from './sandbox.ts';

export interface NamedProvider {
  readonly port: number;
  /** Method and path of everything that arrived, from any sender. */
  readonly arrived: readonly string[];
  close(): Promise<void>;
}

/**
 * @param publicUrl as the client knows it; the links in the answers get it too
 * @param certificate undefined: plain HTTP
 * @param changeHeaders what is done to the answers' headers
 */
export async function startNamedProvider(
  sandbox: Sandbox,
  publicUrl: string,
  certificate?: { readonly key: string; readonly cert: string },
  changeHeaders: (headers: Headers) => void = () => undefined,
): Promise<NamedProvider> {
  const arrived: string[] = [];
  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    arrived.push(`${message.method} ${new URL(message.url ?? '', publicUrl).pathname}`);
    const body = await buffer(message);
    const isApi = message.method === 'POST';
    const headers = isApi ? signedAnew(message, body, sandbox) : (message.headers as Record<string, string>);
    const { host: _, connection: __, ...sent } = headers;
    const answer = await fetch(`${sandbox.url}${message.url}`, {
      method: message.method ?? 'GET',
      headers: sent,
      ...(isApi ? { body } : {}),
    });
    changeHeaders(answer.headers);
    if (!isApi) {
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
      return;
    }
    const reported = (await answer.text()).replaceAll(sandbox.url, publicUrl);
    const length = String(Buffer.byteLength(reported));
    response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'content-length': length });
    response.end(reported);
  };
  const listener: RequestListener = (message, response) => {
    handle(message, response).catch(() => response.destroy());
  };
  const server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    arrived,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @throws Error when the signature is not that of the name that the client asked for */
function signedAnew(message: IncomingMessage, body: Buffer, { url, credentials }: Sandbox): Record<string, string> {
  const target = new URL(message.url ?? '', url);
  const query = Object.fromEntries(target.searchParams);
  const headers = message.headers as Record<string, string>;
  const wrong = verifySignature(
    { method: 'POST', path: target.pathname, query, headers, body },
    credentials,
    Date.now(),
  );
  if (wrong !== undefined) throw new Error(wrong.reason);
  const place = {
    method: 'POST',
    host: target.host,
    path: target.pathname,
    query,
    region: 'cn-north-1',
    service: 'cv',
  };
  const contentType = headers['content-type'] ?? '';
  return {
    ...signedHeaders({ ...place, contentType, body, date: new Date() }, credentials),
    'content-type': contentType,
  };
}
