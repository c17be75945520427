/** The desktop's own programs, on each system. */
import { expect, it } from 'vitest';
import { commandFor, openLink } from '../../src/system/desktop.ts';

const LINK = 'http://127.0.0.1:1/open/a&b';

it.each([
  ['linux', { link: LINK }, ['xdg-open', LINK]],
  ['linux', { file: '/videos/a b.mp4' }, ['xdg-open', '/videos']],
  ['darwin', { link: LINK }, ['open', LINK]],
  ['darwin', { file: '/videos/a b.mp4' }, ['open', '-R', '/videos/a b.mp4']],
  ['win32', { link: LINK }, ['rundll32.exe', 'url.dll,FileProtocolHandler', LINK]],
  ['win32', { file: 'C:\\videos\\a b.mp4' }, ['explorer.exe', '/select,C:\\videos\\a b.mp4']],
] as const)('%s: %o', (platform, target, command) => {
  expect(commandFor(platform, target)).toEqual(command);
});

it('a desktop without such a program is an error', async () => {
  await expect(openLink(LINK, { platform: 'linux', environment: { PATH: '/nonexistent' } })).rejects.toThrow('ENOENT');
});
