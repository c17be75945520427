/** One person of a shared server: makes a video over HTTP with a token, and lists what is theirs. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

interface Task {
  readonly task_id: string;
  readonly status: string;
  readonly prompt: string;
}
interface Report extends Task {
  readonly message: string;
  readonly next_step: string;
  readonly video?: { readonly url?: string };
}

const OPEN = ['queued', 'submitting', 'generating'];

/** @returns the video's report, and the prompts of all that this person can see */
export async function makeVideo(url: string, token: string, prompt: string): Promise<[Report, string[]]> {
  const client = new Client({ name: 'example', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  try {
    const call = async <Answer>(name: string, args: object) =>
      (await client.callTool({ name, arguments: { ...args } })).structuredContent as unknown as Answer;
    let report = await call<Report>('generate_video', { prompt, max_cost_cny: 2 });
    while (OPEN.includes(report.status)) report = await call<Report>('get_video_task', { task_id: report.task_id });
    const { tasks } = await call<{ tasks: Task[] }>('list_video_tasks', { limit: 50 });
    return [report, tasks.map((task) => task.prompt)];
  } finally {
    await client.close();
  }
}

if (import.meta.main) {
  const [url = 'http://127.0.0.1:8080/mcp', prompt = 'A paper boat on a pond at dawn'] = process.argv.slice(2);
  const [report, all] = await makeVideo(url, process.env.JIMENG_TOKEN ?? '', prompt);
  console.log(report.status === 'done' ? report.video?.url : `${report.message} ${report.next_step}`);
  console.log(`All of mine: ${all.join(', ')}`);
}
