/** The OpenAI Agents SDK: an agent that makes a video with the server's tools. */
import { Agent, MCPServerStdio, type Model, run } from '@openai/agents';

const INSTRUCTIONS = `You make videos. Each costs money: never ask for the same one twice with another seed because an answer did not come.
While a report says that a video is still being made, call the tool that its next step names.`;

export async function makeVideo(model: string | Model, wish: string): Promise<string> {
  const env = process.env as Record<string, string>;
  // A call waits 45 s for a video: longer than that, and less than this.
  const server = new MCPServerStdio({ command: 'npx', args: ['-y', 'jimeng-video-mcp'], env, timeout: 120_000 });
  await server.connect();
  try {
    const agent = new Agent({ name: 'Film maker', model, instructions: INSTRUCTIONS, mcpServers: [server] });
    const { finalOutput } = await run(agent, wish, { maxTurns: 20 });
    return String(finalOutput);
  } finally {
    await server.close();
  }
}

// Needs OPENAI_API_KEY.
if (import.meta.main) console.log(await makeVideo('gpt-5-mini', 'A paper boat on a pond at dawn, at most ¥2.'));
