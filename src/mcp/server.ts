/** How do the tools meet an MCP client? The only file that knows the SDK. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { systemClock } from '../clock.ts';
import { NAME, VERSION } from '../version.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { TOOL_LIST } from './listing.ts';
import type { Work } from './work.ts';

/** Work that earlier processes left is taken up so long after initialize, if no tool call came before. */
const RESUME_AFTER_MILLISECONDS = 60_000;

/** @param getWork loads what a call needs: the first answers come before it */
export async function serveStdio(getWork: () => Promise<Work>): Promise<void> {
  const server = new Server(
    { name: NAME, title: 'Jimeng Video', version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.oninitialized = () => {
    const resume = async () => (await getWork()).resume();
    systemClock.sleep(RESUME_AFTER_MILLISECONDS).then(resume, () => undefined);
  };

  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOL_LIST }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const arrivedAt = systemClock.monotonic();
    const names = TOOL_LIST.map(({ name }) => name);
    if (!names.includes(params.name)) {
      throw new McpError(
        ErrorCode.InvalidParams,
        `Unknown tool ${JSON.stringify(params.name.slice(0, 80))}; the tools are ${names.join(', ')}`,
      );
    }
    const token = params._meta?.progressToken;
    const result = await (await getWork()).call(params.name, params.arguments ?? {}, {
      signal: extra.signal,
      arrivedAt,
      onProgress: (progress) => {
        if (token === undefined) return;
        const notification = {
          method: 'notifications/progress' as const,
          params: { ...progress, progressToken: token },
        };
        extra.sendNotification(notification).catch(() => undefined);
      },
    });
    return {
      content: [{ type: 'text' as const, text: result.text }],
      structuredContent: { ...result.structured },
      ...(result.isError ? { isError: true } : {}),
    };
  });

  await server.connect(new StdioServerTransport());
}
