/** The command that a sentence names can be copied: from a clone, from npx, and where npm put it on the PATH. */
import { expect, it } from 'vitest';
import { commandFor } from '../../../src/cli/here.ts';

const NODE = '/usr/bin/node';
const GLOBAL = { path: '/usr/lib/node_modules/jimeng-video-mcp/dist/main.js', node: NODE };
const CACHED = { path: '/home/you/.npm/_npx/1f/node_modules/jimeng-video-mcp/dist/main.js', node: NODE };

const shellWith = (searchPath: string, ...files: string[]) => ({
  system: 'linux' as const,
  searchPath,
  isThere: (path: string) => files.includes(path),
  read: () => undefined as string | undefined,
});

it('what npm put on the PATH is run by its name', () => {
  const shell = shellWith('/usr/local/bin:/usr/bin', '/usr/bin/jimeng-video-mcp');
  expect(commandFor(GLOBAL, shell)).toBe('jimeng-video-mcp');
  const roaming = 'C:\\Users\\Mei Li\\AppData\\Roaming\\npm';
  const windows = {
    system: 'win32' as const,
    searchPath: `C:\\Windows;${roaming}`,
    isThere: (path: string) => path === `${roaming}\\jimeng-video-mcp.cmd`,
    read: () => undefined,
  };
  const path = `${roaming}\\node_modules\\jimeng-video-mcp\\dist\\main.js`;
  expect(commandFor({ path, node: 'node.exe' }, windows)).toBe('jimeng-video-mcp');
});

it('what npx fetched is run by npx: the folder that npx puts on the PATH belongs to nobody else', () => {
  const folder = '/home/you/.npm/_npx/1f/node_modules/.bin';
  const shell = shellWith(`${folder}:/usr/bin`, `${folder}/jimeng-video-mcp`);
  expect(commandFor(CACHED, shell)).toBe('npx -y jimeng-video-mcp');
});

it('a clone is run by its path, quoted where a shell needs it', () => {
  const shell = shellWith('/usr/bin', '/usr/bin/jimeng-video-mcp');
  const command = (path: string, system: NodeJS.Platform = 'linux') =>
    commandFor({ path, node: NODE }, { ...shell, system });
  expect(command('/opt/clone/dist/main.js')).toBe('node /opt/clone/dist/main.js');
  expect(command('/opt/my clone/it’s $HOME/dist/main.js')).toBe("node '/opt/my clone/it’s $HOME/dist/main.js'");
  expect(command("/opt/it's/dist/main.js")).toBe(`node '/opt/it'\\''s/dist/main.js'`);
  expect(command('C:\\clone\\dist\\main.js', 'win32')).toBe('node C:\\clone\\dist\\main.js');
  expect(command('C:\\my clone\\dist\\main.js', 'win32')).toBe('node "C:\\my clone\\dist\\main.js"');
});

it.each([
  ['{"dependencies":{"jimeng-video-mcp":"file:../../../../you/a b.tgz"}}', "npx -y '/home/you/a b.tgz'"],
  [
    '{"dependencies":{"jimeng-video-mcp":"file:/opt/jimeng-video-mcp-0.2.0.tgz"}}',
    'npx -y /opt/jimeng-video-mcp-0.2.0.tgz',
  ],
  ['{"dependencies":{"jimeng-video-mcp":"^0.2.0"}}', 'npx -y jimeng-video-mcp'],
  ['no JSON', 'npx -y jimeng-video-mcp'],
])('a package file that npx was given is named again, since the registry may not have it: %s', (text, command) => {
  const read = (path: string) => (path === '/home/you/.npm/_npx/1f/package.json' ? text : undefined);
  expect(commandFor(CACHED, { ...shellWith('/usr/bin'), read })).toBe(command);
});
