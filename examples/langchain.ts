/** LangChain.js: an agent that makes a video with the server's tools. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createAgent } from 'langchain';

const INSTRUCTIONS = `You make videos. Each costs money: never ask for the same one twice with another seed because an answer did not come.
While a report says that a video is still being made, call the tool that its next step names.`;

/** @param model a name such as `openai:gpt-5-mini`, whose package (`@langchain/openai`) is installed, or a model */
export async function makeVideo(model: string | BaseChatModel, wish: string): Promise<string> {
  const env = process.env as Record<string, string>;
  const client = new MultiServerMCPClient({
    mcpServers: { jimeng: { transport: 'stdio', command: 'npx', args: ['-y', 'jimeng-video-mcp'], env } },
  });
  try {
    const agent = createAgent({ model, tools: await client.getTools(), systemPrompt: INSTRUCTIONS });
    const { messages } = await agent.invoke({ messages: [{ role: 'user', content: wish }] });
    return String(messages.at(-1)?.content);
  } finally {
    await client.close();
  }
}

if (import.meta.main) console.log(await makeVideo('openai:gpt-5-mini', 'A paper boat on a pond at dawn, at most ¥2.'));
