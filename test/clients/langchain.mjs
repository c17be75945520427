/** LangChain: its adapters make the tools, and LangGraph's ToolNode calls them as a model does. */
import { AIMessage } from '@langchain/core/messages';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { SERVER } from './stage.mjs';
import { tryClient } from './trial.mjs';

async function connect({ environment, remote, callLimitSeconds, onProgress }) {
  const limit = callLimitSeconds === undefined ? {} : { defaultToolTimeout: callLimitSeconds * 1000 };
  const client = new MultiServerMCPClient({
    mcpServers: {
      jimeng: remote
        ? { transport: 'http', ...remote, automaticSSEFallback: false, ...limit }
        : { transport: 'stdio', ...SERVER, env: environment, ...limit },
    },
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const tools = await client.getTools();
  const node = new ToolNode(tools);
  return {
    listTools: async () => tools.map(({ name }) => name),
    async listExtras() {
      const { jimeng = [] } = await client.listResources();
      return { resources: jimeng };
    },
    async call(name, args) {
      const toolCall = { type: 'tool_call', id: 'call-1', name, args };
      const [message] = await node.invoke([new AIMessage({ content: '', tool_calls: [toolCall] })]);
      if (message.status === 'error') return { text: message.content, isError: true };
      // What the model reads is one JSON text that holds both.
      const { text, structuredContent } = JSON.parse(message.content);
      return { text, structured: structuredContent };
    },
    close: () => client.close(),
  };
}

await tryClient({
  connect,
  modelSees: 'text and structuredContent, together as JSON',
  givesStructured: true,
  ownTools: true,
  takesProgress: true,
});
