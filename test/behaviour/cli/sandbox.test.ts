/** `sandbox` serves at the address that it prints until it is ended. */
import { describe, expect, it } from 'vitest';
import { runCommand, startCommand } from '../../support/run-command.ts';
import { makeWorkspace } from '../../support/workspace.ts';

describe('sandbox', () => {
  it('prints the settings of a client that works with it, and exits 0 on Ctrl-C', async ({ onTestFinished }) => {
    const workspace = makeWorkspace(undefined);
    const options = ['--generation-seconds', '0.2', '--tasks-in-flight', '1'];
    const serving = startCommand(['sandbox', ...options], workspace);
    onTestFinished(async () => {
      serving.child.kill('SIGKILL');
      await workspace.remove();
    });
    const [lines] = await serving.seen('stdout', /^(?:[A-Z_]+=\S+\n){3}/);
    const settings = Object.fromEntries(
      lines
        .trimEnd()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(Object.keys(settings)).toEqual(['JIMENG_VIDEO_API_URL', 'VOLC_ACCESSKEY', 'VOLC_SECRETKEY']);
    Object.assign(workspace.env, settings);
    const made = await runCommand(['generate', 'a cat'], workspace);
    expect(made.stdout).toContain('Sandbox: not a real video');
    expect(made.code).toBe(0);

    const port = new URL(settings.JIMENG_VIDEO_API_URL ?? '').port;
    const second = await runCommand(['sandbox', '--port', port], workspace);
    expect(second.stderr).toMatch(new RegExp(`^--port ${port} is in use\\.\nChoose another --port`));
    expect(second.code).toBe(2);

    serving.child.kill('SIGINT');
    expect(await serving.result).toMatchObject({ code: 0, stdout: lines });
  });
});
