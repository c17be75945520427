/** Is a person at a terminal ever told to call a tool? */
import { describe, expect, it } from 'vitest';
import { EXIT, exitCodeOf, worstExitCode } from '../../src/cli/exit-codes.ts';
import { inCommandWords } from '../../src/cli/wording.ts';
import { PROBLEMS } from '../../src/problems.ts';
import { isErrorStatus, REPORT_STATUSES } from '../../src/report/report.ts';

const TOOL_WORDS = /_video_task|generate_video|`[a-z_]*_[a-z_]*`|this server|server's settings/;

describe('the words of the command line', () => {
  it.for(Object.entries(PROBLEMS))('hold no tool and no input of one: %s', ([, { what, mend }]) => {
    expect(inCommandWords(what, 'jimeng-video-mcp')).not.toMatch(TOOL_WORDS);
    expect(inCommandWords(mend, 'jimeng-video-mcp')).not.toMatch(TOOL_WORDS);
  });

  it.for([
    ['Call list_video_tasks for the ids.', 'Run `jimeng-video-mcp list` for the ids.'],
    ['call get_video_task with {"task_id":"jv-1"} until', 'run `jimeng-video-mcp get jv-1` until'],
    ['call get_video_task to try again', 'run `jimeng-video-mcp get TASK_ID` to try again'],
    ['`tail_image` is empty, and `prompt` is missing', '--tail-image is empty, and PROMPT is missing'],
    ["set X in the server's settings and restart it", 'set X in the environment'],
    ['a prompt with `code` and $1 in it', 'a prompt with `code` and $1 in it'],
  ])('%s', ([said, expected]) => {
    expect(inCommandWords(said ?? '', 'jimeng-video-mcp')).toBe(expected);
  });

  it('leave the path of the program as it is, whatever words it holds', () => {
    const command = "node '/opt/this server/`mode` $1 $&/generate_video/dist/main.js'";
    const said = `Run: ${command} get jv-1; or call get_video_task with {"task_id":"jv-2"} on this server.`;
    const expected = `Run: ${command} get jv-1; or run \`${command} get jv-2\` on this program.`;
    expect(inCommandWords(said, command)).toBe(expected);
  });
});

describe('the exit code', () => {
  it.for(REPORT_STATUSES)('of %s is an error exactly where the tool says isError', (status) => {
    const code = exitCodeOf({ status, message: '' });
    expect(code === EXIT.failed || code === EXIT.wrongUsage).toBe(isErrorStatus(status));
    expect(code === EXIT.wrongUsage).toBe(status === 'refused');
    expect(code === EXIT.stillRunning).toBe(['queued', 'submitting', 'in_queue', 'generating'].includes(status));
  });

  it('of several tells a failure before what still runs', () => {
    expect(worstExitCode([0, 3, 1, 0])).toBe(1);
    expect(worstExitCode([0, 3])).toBe(3);
    expect(worstExitCode([0, 0])).toBe(0);
  });
});
