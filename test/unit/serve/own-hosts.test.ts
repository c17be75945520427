/** Whose Host and Origin are right, for each way of listening. */
import { expect, it } from 'vitest';
import { foreignHost, isLoopbackHost } from '../../../src/serve/own-hosts.ts';

const publicUrl = new URL('https://videos.example.com');
const loopback = { host: '127.0.0.1', publicUrl: undefined };
const everywhere = { host: '0.0.0.0', publicUrl };
const one = { host: '10.0.0.5', publicUrl };

it.each([
  [loopback, 'localhost:8080', undefined],
  [loopback, '127.0.0.1:8080', 'http://localhost:8080'],
  [loopback, '[::1]:8080', 'http://[::1]:8080'],
  [everywhere, 'videos.example.com', 'https://videos.example.com'],
  [everywhere, 'VIDEOS.example.com:443', undefined],
  [everywhere, '10.0.0.5:8080', undefined],
  [everywhere, '[fd00::5]:8080', undefined],
  [one, '10.0.0.5:8080', 'http://10.0.0.5:8080'],
  [one, 'videos.example.com', undefined],
])('%j takes Host %s with Origin %s', (own, host, origin) => {
  expect(foreignHost({ host, origin }, own)).toBeUndefined();
});

it.each([
  [loopback, 'evil.example.com', undefined],
  [loopback, 'localhost.evil.example.com', undefined],
  [loopback, '10.0.0.5', undefined],
  [loopback, undefined, undefined],
  [loopback, '', undefined],
  [loopback, 'localhost/@evil.example.com', undefined],
  [loopback, 'localhost@evil.example.com', undefined],
  [loopback, 'localhost:8080', 'https://evil.example.com'],
  [loopback, 'localhost:8080', 'null'],
  [loopback, 'localhost:8080', 'file://localhost'],
  [everywhere, 'evil.example.com', undefined],
  [everywhere, 'videos.example.com.evil.example.com', undefined],
  [everywhere, 'videos.example.com', 'https://videos.example.com.evil.example.com'],
  [one, '10.0.0.6', undefined],
])('%j refuses Host %s with Origin %s, and names the setting', (own, host, origin) => {
  expect(foreignHost({ host, origin }, own)).toContain('JIMENG_VIDEO_PUBLIC_URL');
});

it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])('%s is this computer alone', (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});
it.each(['0.0.0.0', '::', '10.0.0.5', '127.0.0.1.example.com', 'example.com'])('%s is not', (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});
