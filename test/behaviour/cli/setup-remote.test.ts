/** `setup --url` prints how each client reaches a shared server, and the server is reached with what is printed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLIENT_NAMES, PLATFORMS } from '../../../src/cli/setup-clients.ts';
import { endpointIn } from '../../../src/cli/setup-remote.ts';
import { type HttpServer, startHttp } from '../../support/http-server.ts';
import { startCommand } from '../../support/run-command.ts';
import { makeWorkspace, type Workspace } from '../../support/server-workspace.ts';

let workspace: Workspace;
let server: HttpServer;
let token: string;
const run = (...args: string[]) => {
  const env = { ...workspace.environment('sandbox'), JIMENG_VIDEO_TOKENS: `${workspace.folder}/people.yaml` };
  return startCommand(args, { env, workingDir: workspace.folder }).result;
};
beforeAll(async () => {
  workspace = await makeWorkspace();
  token = (await run('serve', 'token', 'add', 'mei')).stdout.trim();
  server = await startHttp({
    ...workspace.environment('sandbox'),
    JIMENG_VIDEO_TOKENS: `${workspace.folder}/people.yaml`,
  });
});
afterAll(async () => {
  await server.stop();
  await workspace.remove();
});

it('without a client the list says how to go on, with the address', async () => {
  const { code, stdout } = await run('setup', '--url', server.url);
  expect([code, stdout]).toEqual([0, expect.stringContaining(`setup CLIENT --url ${server.url} prints`)]);
});

it.each(CLIENT_NAMES)(
  '%s: what is printed holds the address of the endpoint and the header with which it is reached',
  async (name) => {
    const { code, stdout } = await run('setup', name, '--url', server.url, '--token', token);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`${server.url}/mcp`)]);
    const header = /Bearer (jv_[\w-]+)/.exec(stdout)?.[0] ?? expect.fail(stdout);
    const { status } = await server.post({ id: 1, method: 'ping' }, { authorization: header });
    expect(status).toBe(200);
    expect(stdout).not.toContain('VOLC_');
  },
);

it.each(CLIENT_NAMES)(
  '%s: JSON is JSON on every platform, and a token that is not given is a placeholder',
  async (name) => {
    for (const platform of PLATFORMS) {
      const { code, stdout } = await run('setup', name, '--platform', platform, '--url', 'https://videos.example.com');
      expect(code).toBe(0);
      const config = stdout.split('\n\n')[1] ?? '';
      expect(config).toContain('https://videos.example.com/mcp');
      expect(config).toMatch(/your token|input:jimeng-token/);
      if (config.startsWith('{')) expect(Object.keys(JSON.parse(config)).at(-1)).toMatch(/servers$/i);
      expect(stdout).toContain('serve token add');
    }
  },
);

it.each([
  ['https://videos.example.com', 'https://videos.example.com/mcp'],
  ['https://videos.example.com/', 'https://videos.example.com/mcp'],
  ['https://videos.example.com/mcp/', 'https://videos.example.com/mcp'],
  ['https://example.com/videos', 'https://example.com/videos/mcp'],
])('%s is the server whose endpoint is %s', (given, endpoint) => {
  expect(endpointIn(given)).toBe(endpoint);
});

it.each([
  [['--url', 'videos.example.com'], '--url'],
  [['--url', 'ftp://videos.example.com'], '--url'],
  [['--token', 'jv_x'], '--url'],
  [['--url', 'https://videos.example.com', '--write'], 'Leave --write out to see what to add'],
])('wrong usage exits 2 and prints nothing: %j', async (args, named) => {
  const { code, stdout, stderr } = await run('setup', 'cursor', ...args);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(named)]);
});
