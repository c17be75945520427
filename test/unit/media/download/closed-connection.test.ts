/** A body that ends with its connection arrives whole, however far behind the disk is: undici 7 would end the process. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openLinks, receive } from '../../../../src/media/download/link.ts';

const BODY = Buffer.from('0123456789'.repeat(500));

const ANSWERS: readonly (readonly [name: string, head: string])[] = [
  ['that says close', `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\nconnection: close\r\n\r\n`],
  ['without a length', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['of HTTP/1.0', `HTTP/1.0 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`],
  ['of HTTP/1.0 without a length that says keep-alive', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n'],
  ['that is kept alive', `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\nconnection: keep-alive\r\n\r\n`],
];

it.concurrent.each(ANSWERS)('a response %s', async (_, head) => {
  const server = createServer((socket) => {
    socket.once('data', async () => {
      socket.write(head);
      await pass(10);
      socket.write(BODY.subarray(0, 2000));
      await pass(10);
      socket.write(BODY.subarray(2000));
      if (!head.includes('1.1 200 OK\r\ncontent-length') || head.includes('close')) socket.end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const rules = { throughProxy: async () => undefined, mayReachPrivate: true, stallMilliseconds: 5000 };
  const links = await openLinks(rules);
  try {
    const link = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const response = await links.get(link, {}, new AbortController().signal);
    // The connection has ended before the first byte is taken, and again before the second piece is.
    await pass(60);
    const taken: Uint8Array[] = [];
    await receive(response, async (arrived) => {
      await pass(30);
      taken.push(Buffer.concat(arrived));
    });
    expect(Buffer.concat(taken).equals(BODY)).toBe(true);
  } finally {
    await links.close();
    server.close();
  }
});
