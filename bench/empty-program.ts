/** A tool that does nothing, on the same SDK and transport as ours. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const server = new Server({ name: 'empty', version: '1' }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [{ name: 'nothing', inputSchema: { type: 'object' as const } }],
}));
server.setRequestHandler(CallToolRequestSchema, () => ({ content: [{ type: 'text' as const, text: 'nothing' }] }));
void server.connect(new StdioServerTransport());
