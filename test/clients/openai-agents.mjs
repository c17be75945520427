/** The OpenAI Agents SDK: what the request to the model holds after a tool call. */
import { Agent, MCPServerStdio, MCPServerStreamableHttp, run, setTracingDisabled } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import { SERVER } from './stage.mjs';
import { answerOrThrown, tryClient } from './trial.mjs';

async function connect({ environment, remote, callLimitSeconds }) {
  const limit = callLimitSeconds === undefined ? {} : { timeout: callLimitSeconds * 1000 };
  const server = remote
    ? new MCPServerStreamableHttp({
        name: 'jimeng',
        url: remote.url,
        requestInit: { headers: remote.headers },
        ...limit,
      })
    : new MCPServerStdio({ name: 'jimeng', ...SERVER, env: environment, ...limit });
  await server.connect();
  return {
    listTools: async () => (await server.listTools()).map(({ name }) => name),
    async listExtras() {
      const { resources } = await server.listResources().catch((error) => {
        if (error.code === -32601) return { resources: [] };
        throw error;
      });
      return { resources };
    },
    call: (name, input) =>
      answerOrThrown(async () => {
        const model = new ScriptedModel([
          [functionCall(name, input, { callId: 'call-1' })],
          [assistantMessage('That is all.')],
        ]);
        await run(new Agent({ name: 'film maker', model, mcpServers: [server] }), 'Make a video.');
        const { output } = model.lastCall.request.input.find(({ type }) => type === 'function_call_result');
        return {
          text: [output]
            .flat()
            .map((part) => part.text ?? part)
            .join('\n'),
        };
      }),
    close: () => server.close(),
  };
}

setTracingDisabled(true);
await tryClient({ connect, modelSees: 'text', givesStructured: false, ownTools: true });
