/** The client of the SDK's first version, which most hosts are built on. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { sdkSession } from './sdk-session.mjs';
import { SERVER } from './stage.mjs';
import { tryClient } from './trial.mjs';

async function connect({ environment, ...asked }) {
  const client = new Client({ name: 'jimeng-clients', version: '1' });
  await client.connect(new StdioClientTransport({ ...SERVER, env: environment }));
  return sdkSession(client, asked, (call, options) => client.callTool(call, undefined, options));
}

await tryClient({
  connect,
  modelSees: 'text and structuredContent; the host chooses',
  givesStructured: true,
  takesProgress: true,
});
