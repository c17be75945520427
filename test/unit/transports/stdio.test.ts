/** Output that nobody reads stops the reading, and lets it go on once it is read. */
import { PassThrough, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { StdioTransport } from '../../../src/transports/stdio.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const MEGABYTE = 'x'.repeat(1024 * 1024);

/** A client that reads only on demand. */
function deafClient() {
  const unread: (() => void)[] = [];
  const stdout = new Writable({ write: (_chunk, _encoding, done) => void unread.push(done) });
  return {
    stdout,
    async read() {
      for (let done = unread.shift(); done !== undefined; done = unread.shift()) {
        done();
        await settled();
      }
    },
  };
}

it('a client that does not read is not listened to, and both go on when it reads', async () => {
  const stdin = new PassThrough();
  const { stdout, read } = deafClient();
  const tooLong = Object.assign(new Error('too long'), { code: -32600 });
  const transport = new StdioTransport<{ id: number }>(stdin, stdout, {
    refusalOf: () => undefined,
    tooLong,
    onTooLong: () => undefined,
  });
  const ids: number[] = [];
  transport.onmessage = ({ id }) => void ids.push(id);
  await transport.start();
  const send = async (id: number) => {
    stdin.write(`{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`);
    await settled();
  };
  await send(1);
  expect(ids).toEqual([1]);
  let isWritable = false;
  for (let n = 0; n < 5; n++) void transport.send({ id: 1, result: MEGABYTE });
  void transport.writable().then(() => {
    isWritable = true;
  });
  await send(2);
  expect([ids, isWritable]).toEqual([[1], false]);
  await read();
  await settled();
  expect([ids, isWritable]).toEqual([[1, 2], true]);
  await send(3);
  expect(ids).toEqual([1, 2, 3]);
  await transport.writable();
});
