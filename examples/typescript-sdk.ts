/** The SDK's own client: makes a video, and waits for it as long as it takes. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

/** What every tool of the server reports. */
interface Report {
  readonly task_id?: string;
  readonly status: string;
  readonly message: string;
  readonly next_step: string;
  readonly video?: { readonly path?: string };
}

const OPEN = ['queued', 'submitting', 'generating'];

export async function makeVideo(prompt: string): Promise<Report> {
  const client = new Client({ name: 'example', version: '1.0.0' });
  // A client hands on little of its environment by itself: the keys have to be among what is given here.
  const env = process.env as Record<string, string>;
  await client.connect(new StdioClientTransport({ command: 'npx', args: ['-y', 'jimeng-video-mcp'], env }));
  try {
    const call = async (name: string, args: Record<string, unknown>) =>
      (await client.callTool({ name, arguments: args })).structuredContent as unknown as Report;
    // Returns within 45 s; the SDK's client gives up after 60 s. A video takes longer, and goes on.
    let report = await call('generate_video', { prompt, max_cost_cny: 2 });
    while (OPEN.includes(report.status)) report = await call('get_video_task', { task_id: report.task_id });
    return report;
  } finally {
    await client.close();
  }
}

if (import.meta.main) {
  const { status, message, next_step: nextStep, video } = await makeVideo('A paper boat on a pond at dawn');
  console.log(status === 'done' ? video?.path : `${message} ${nextStep}`);
}
