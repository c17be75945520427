/** Calls a tool in this process, without a transport. */
import type { App } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { CALL_LIMITS, CallLimiter } from '../../src/mcp/call-limiter.ts';
import { callTool } from '../../src/mcp/call-tool.ts';
import type { ToolCall, ToolResult } from '../../src/mcp/tool.ts';
import { ToolService } from '../../src/mcp/tool-service.ts';
import { TOOLS } from '../../src/mcp/tools.ts';

export async function callInProcess(
  app: App,
  name: string,
  given: unknown,
  call: Partial<ToolCall> = {},
): Promise<ToolResult> {
  const tool = TOOLS.find((known) => known.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  const { signal } = new AbortController();
  const whole = { signal, arrivedAt: systemClock.monotonic(), progress: () => undefined, ...call };
  return await callTool(tool, given, whole, {
    service: new ToolService(app),
    limiter: new CallLimiter(CALL_LIMITS, systemClock),
    log: silentLog,
    writable: async () => undefined,
  });
}
