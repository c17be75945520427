/** The client of the SDK's first version, which most hosts are built on. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { sdkSession } from './sdk-session.mjs';
import { SERVER } from './stage.mjs';
import { tryClient } from './trial.mjs';

async function connect({ environment, remote, ...asked }) {
  const client = new Client({ name: 'jimeng-clients', version: '1' });
  await client.connect(
    remote
      ? new StreamableHTTPClientTransport(new URL(remote.url), { requestInit: { headers: remote.headers } })
      : new StdioClientTransport({ ...SERVER, env: environment }),
  );
  return sdkSession(client, asked, (call, options) => client.callTool(call, undefined, options));
}

await tryClient({
  connect,
  modelSees: 'text and structuredContent; the host chooses',
  givesStructured: true,
  takesProgress: true,
});
