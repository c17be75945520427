/** The client of the SDK's second version, with its defaults and with the newer protocol first. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { sdkSession } from './sdk-session.mjs';
import { SERVER } from './stage.mjs';
import { tryClient } from './trial.mjs';

/** Over stdio, `auto` asks a short-lived second copy of the server for `server/discover`, then starts the one that it uses. */
const mode = process.argv.slice(2).find((option) => option === 'auto');

async function connect({ environment, remote, ...asked }) {
  const options = mode === undefined ? {} : { versionNegotiation: { mode } };
  const client = new Client({ name: 'jimeng-clients', version: '1' }, options);
  await client.connect(
    remote
      ? new StreamableHTTPClientTransport(new URL(remote.url), { requestInit: { headers: remote.headers } })
      : new StdioClientTransport({ ...SERVER, env: environment }),
  );
  return sdkSession(client, asked, (call, requestOptions) => client.callTool(call, requestOptions));
}

await tryClient({
  connect,
  modelSees: 'text and structuredContent; the host chooses',
  givesStructured: true,
  takesProgress: true,
});
