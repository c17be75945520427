/** The Vercel AI SDK: a model that makes a video with the server's tools. */
import { createMCPClient } from '@ai-sdk/mcp';
import { StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio';
import { generateText, isStepCount, type LanguageModel } from 'ai';

const INSTRUCTIONS = `You make videos. Each costs money: never ask for the same one twice with another seed because an answer did not come.
While a report says that a video is still being made, call the tool that its next step names.`;

export async function makeVideo(model: LanguageModel, wish: string): Promise<string> {
  const env = process.env as Record<string, string>;
  const transport = new StdioMCPTransport({ command: 'npx', args: ['-y', 'jimeng-video-mcp'], env });
  const client = await createMCPClient({ transport });
  try {
    const tools = await client.tools();
    // A video takes minutes and a call waits 45 s, so that several calls follow each other.
    const { text } = await generateText({
      model,
      tools,
      instructions: INSTRUCTIONS,
      prompt: wish,
      stopWhen: isStepCount(20),
    });
    return text;
  } finally {
    await client.close();
  }
}

// Needs AI_GATEWAY_API_KEY for this model; any other of the AI SDK does as well.
if (import.meta.main) console.log(await makeVideo('openai/gpt-5-mini', 'A paper boat on a pond at dawn, at most ¥2.'));
