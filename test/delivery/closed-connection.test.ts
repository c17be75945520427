/** Does a body that ends with its connection arrive whole, however far behind the disk is? undici 7 would end the process. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import { Agent } from 'undici';
import { expect, it } from 'vitest';
import { getAnswer } from '../../src/media/download-answer.ts';

const BODY = Buffer.from('0123456789'.repeat(500));

const ANSWERS: readonly (readonly [name: string, head: string])[] = [
  ['that says close', `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\nconnection: close\r\n\r\n`],
  ['without a length', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['of HTTP/1.0', `HTTP/1.0 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n`],
  ['of HTTP/1.0 without a length that says keep-alive', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n'],
  ['that is kept alive', `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\nconnection: keep-alive\r\n\r\n`],
];

it.concurrent.each(ANSWERS)('an answer %s', async (_, head) => {
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
  const agent = new Agent();
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const options = { origin, path: '/', headers: {}, stallMilliseconds: 5000 };
    const answer = await getAnswer(agent, options, new AbortController().signal);
    // The connection is at its end before the first byte is taken, and again before the second piece is.
    await pass(60);
    const taken: Uint8Array[] = [];
    await answer.receive(async (chunk) => {
      await pass(30);
      taken.push(Buffer.from(chunk));
    });
    expect(Buffer.concat(taken).equals(BODY)).toBe(true);
  } finally {
    await agent.destroy();
    server.close();
  }
});
