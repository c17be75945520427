import { it } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { startRaw } from '../support/mcp-client.ts';
import { makeWorkspace } from '../support/server-workspace.ts';
it('x', async () => {
  const sandbox = await startSandbox({ generationSeconds: 0.2, requestsPerSecond: 1e5, tasksInFlight: 100 });
  const workspace = await makeWorkspace();
  const server = startRaw(workspace.environment(sandbox.url), workspace.folder);
  let exit: unknown = 'alive';
  server.child.on('exit', (code, signal) => { exit = [code, signal]; });
  await server.initialize();
  const faults = JSON.parse(process.env.FAULTS ?? '[]');
  const providerOf = (p: string) => sandbox.accepted.find(({ request }) => request.body?.prompt === p)?.taskId;
  faults.forEach((fault: never, i: number) => {
    sandbox.faults.add({ on: 'video', fault, when: ({ taskId }) => taskId === providerOf(`p${i}`) });
    server.send({ id: i + 1, method: 'tools/call', params: { name: 'generate_video', arguments: { prompt: `p${i}`, output: `o${i}/`, wait_seconds: 10 } } });
  });
  const from = performance.now();
  for (let i = 0; i < faults.length; i++) await server.answer(i + 1).catch((e) => process.stderr.write(String(e)));
  process.stderr.write(`exit ${JSON.stringify(exit)} after ${performance.now() - from}\n${server.stderr().slice(-3000)}\nvideos ${sandbox.requests.filter((r) => r.operation === 'video').map((r) => r.target.slice(-6) + (r.headers.range ?? '')).join(' ')}\n`);
  server.child.kill('SIGKILL');
  await sandbox.close();
}, 60000);
