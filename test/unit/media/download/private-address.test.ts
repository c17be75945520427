/** Which hosts count as private. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { publicLookup } from '../../../../src/media/download/link.ts';
import { isPrivateAddress, isPrivateHost } from '../../../../src/media/private-address.ts';

const PRIVATE = [
  ...['localhost', 'LOCALHOST', 'localhost.', 'app.localhost', 'printer.local', 'db.internal', 'nas', 'nas.', 'tv.lan'],
  ...['127.0.0.1', '127.1', '0x7f000001', '2130706433', '0177.0.0.1', '0', '0.0.0.0', '10.1.2.3', '100.64.0.1'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
  ...['::1', '[::1]', '::', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '::ffff:10.0.0.1', '::127.0.0.1', 'fe80::1'],
  ...[
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '64:ff9b::127.0.0.1',
    'fe80::1%eth0',
    '',
    'a b',
    '127。0。0。1',
  ],
];

const PUBLIC = [
  ...['example.com', 'example.com.', 'p9-dreamina.byteimg.com', '8.8.8.8', '100.63.0.1', '100.128.0.1', '172.32.0.1'],
  ...['172.15.0.1', '192.167.0.1', '198.17.0.1', '198.20.0.1', '11.0.0.1', '[2606:4700::1111]', '::ffff:8.8.8.8'],
  ...['64:ff9b::808:808', 'localhost.example.com', 'local.example', 'internal.example.cn', '例子.中国'],
];

describe('a host of a URL', () => {
  test.each(PRIVATE)('%j is private', (host) => expect(isPrivateHost(host)).toBe(true));
  test.each(PUBLIC)('%j is public', (host) => expect(isPrivateHost(host)).toBe(false));
});

test('a fake IP of a local proxy passes as a resolved address, a private one does not', () => {
  expect(isPrivateAddress('198.18.0.7')).toBe(false);
  expect(isPrivateAddress('192.168.0.7')).toBe(true);
  expect(isPrivateAddress('::ffff:192.168.0.7')).toBe(true);
});

test('a name that resolves to a private address is not connected to', async () => {
  const failure = new Promise<Error>((resolve, reject) => {
    const socket = connect({ host: 'localhost', port: 9, lookup: publicLookup() });
    socket.on('error', resolve).on('connect', () => reject(new Error('connected')));
  });
  expect(await failure).toMatchObject({ code: 'EPRIVATE' });
});
