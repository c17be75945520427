/** The steps that every client goes through, with what was observed. */
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { askWithoutClient, openStage } from './stage.mjs';

const TOOLS = [
  ...['generate_video', 'submit_video_task', 'get_video_task', 'list_video_tasks', 'cancel_video_task'],
  ...['generate_film', 'retake_shot', 'join_videos', 'preview_video'],
];
/** Seconds after which an impatient client gives up a call; a video takes longer in the sandbox. */
const CALL_LIMIT_SECONDS = 2;
/** Seconds that a patient model asks `get_video_task` to wait under that limit. */
const SHORT_WAIT_SECONDS = 1;
const MOST_SHORT_WAITS = 15;

/** @returns what `call` answers; a thrown error as an answer, too, so that it can be looked at like any other */
export async function answerOrThrown(call) {
  try {
    return await call();
  } catch (error) {
    return { text: String(error.message), code: error.code, thrown: true };
  }
}

/**
 * Puts one client through all trials, and prints one line of JSON: `[{claim, seen, failure?}]`.
 *
 * @param connect `({environment, remote?, untilSubmitted, callLimitSeconds?, onProgress?})` → a session: `listTools()` gives
 *   names, `call(tool, input)` an answer `{text, structured?, isError?, thrown?, code?, stopped?}` with what a model would read in `text`,
 *   `listExtras()`, where the client knows them, the resources and prompts, and `close()`
 * @param modelSees what of a result goes on to the model, in words; `givesStructured`: structuredContent is part of it
 * @param ownTools the client itself refuses a tool that the server did not list
 * @param takesProgress the client has a way to ask for progress
 */
export async function tryClient({ connect, modelSees, givesStructured, ownTools = false, takesProgress = false }) {
  const stage = await openStage();
  const { environment, remote, untilSubmitted } = stage;
  const results = [];
  const attempt = async (claim, look) => {
    try {
      results.push({ claim, seen: await look() });
    } catch (error) {
      results.push({ claim, seen: 'failed', failure: error.message });
    }
  };
  try {
    const progress = [];
    const session = await connect({ environment, remote, untilSubmitted, onProgress: (note) => progress.push(note) });
    await attempt('tools', () => listTools(session));
    const video = await session.call('generate_video', { prompt: 'a red kite over the sea' });
    await attempt('video', () => checkVideo(video));
    await attempt('model sees', () => compareWithText(video, givesStructured, modelSees));
    await attempt('progress', () => checkProgress(progress, takesProgress));
    await attempt('wrong input', () => giveWrongInput(session, environment));
    await attempt('unknown tool', () => callUnknownTool(session, ownTools));
    await attempt('extras', () => listExtras(session));
    await session.close();
    await attempt('time-out', () => giveUpAndFetch(connect, stage));
  } finally {
    await stage.close();
  }
  process.stdout.write(`${JSON.stringify(results)}\n`);
}

async function listTools(session) {
  const names = await session.listTools();
  assert.deepEqual(names, TOOLS);
  return String(names.length);
}

async function listExtras(session) {
  const extras = Object.entries((await session.listExtras?.()) ?? {});
  const reported = extras.filter(([, all]) => all.length > 0).map(([what, all]) => `${what}: ${all.length}`);
  return reported.length === 0 ? '–' : reported.join(', ');
}

/** The text is whole, and the file that it names is an MP4. */
async function checkVideo({ text, thrown, isError }) {
  assert.ok(!thrown && !isError, `no video: ${text}`);
  assert.match(text, /^\*\*Generated Video:\*\*\n\n\[Download Video\]\(http/);
  const path = /^- Save Path: (.+)$/m.exec(text)?.[1];
  assert.ok(path, `no Save Path in: ${text}`);
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
  await file.close();
  assert.equal(buffer.toString('latin1', 4), 'ftyp', `${path} is no MP4`);
  return 'saved';
}

/** The text holds what the structured content says, so that a host may pass on either. */
function compareWithText({ text, structured }, givesStructured, modelSees) {
  assert.equal(structured !== undefined, givesStructured, `structuredContent: ${JSON.stringify(structured)}`);
  if (structured) {
    assert.equal(structured.status, 'done');
    for (const fact of [structured.task_id, structured.message, structured.video?.path, structured.video?.url]) {
      assert.ok(fact && text.includes(fact), `${fact} is not in: ${text}`);
    }
  }
  return modelSees;
}

function checkProgress(notes, takesProgress) {
  assert.equal(notes.length > 0, takesProgress, `${notes.length} progress notes`);
  for (const [at, { progress, message }] of notes.entries()) {
    assert.ok(at === 0 || progress > notes[at - 1].progress, 'progress does not rise');
    assert.ok(message.length > 0 && message.length < 200, `a message of ${message.length} characters`);
  }
  return takesProgress ? 'yes' : 'not asked for';
}

function howTold({ thrown, isError, stopped }) {
  if (stopped) return 'stopped with Ctrl-C';
  if (thrown) return 'thrown';
  return isError ? 'an error' : 'plain text';
}

/** What the server says about it arrives whole where the model looks. */
async function giveWrongInput(session, environment) {
  const wrongBySchema = ['generate_video', { prompt: 'a kite', duration: 7, fsp: 30 }];
  const wrongByRule = ['generate_video', { prompt: 'a kite', tail_image: 'https://example.com/last.png' }];
  const [ownOfSchema, ownOfRule] = await askWithoutClient(environment, [wrongBySchema, wrongByRule]);
  for (const word of ['`duration`', '4, 5, 6, 8, 10', 'fsp']) assert.ok(ownOfSchema.includes(word), ownOfSchema);
  for (const word of ['`tail_image`', 'i2v_first_tail_720p']) assert.ok(ownOfRule.includes(word), ownOfRule);

  const byRule = await session.call(...wrongByRule);
  assert.ok(byRule.text.includes(ownOfRule), `not whole: ${byRule.text}`);
  const bySchema = await session.call(...wrongBySchema);
  assert.ok(bySchema.text.includes(ownOfSchema), `not whole: ${bySchema.text}`);
  assert.equal(howTold(bySchema), howTold(byRule));
  return `${howTold(byRule)}, in full`;
}

async function callUnknownTool(session, ownTools) {
  const answer = await session.call('make_video', { prompt: 'a kite' });
  assert.ok(answer.thrown || answer.isError, `no error: ${answer.text}`);
  assert.match(answer.text, /make_video/);
  if (ownTools) return 'refused by the client itself';
  // Some clients give the code beside the message, others in it.
  assert.match(`${answer.code} ${answer.text}`, /-32602.*generate_video, submit_video_task/s);
  return '−32602, names the tools';
}

/** One request, given up after 2 s, asked for again, found in the list, fetched by its id: and paid for once. */
async function giveUpAndFetch(connect, { environment, remote, untilSubmitted, countSubmits }) {
  const prompt = 'a blue kite over the sea';
  const session = await connect({ environment, remote, untilSubmitted, callLimitSeconds: CALL_LIMIT_SECONDS });
  try {
    const startedAt = performance.now();
    const givenUp = await session.call('generate_video', { prompt });
    assert.ok(performance.now() - startedAt > CALL_LIMIT_SECONDS * 950, `too early: ${givenUp.text}`);
    assert.ok(!givenUp.text.includes('jv-'), `not given up: ${givenUp.text}`);

    const list = await session.call('list_video_tasks', {});
    const taskId = new RegExp(`^- (jv-\\S+) .*\\) ${prompt}$`, 'm').exec(list.text)?.[1];
    assert.ok(taskId, `not in the list: ${list.text}`);
    const again = await session.call('generate_video', { prompt, wait_seconds: 0 });
    assert.ok(again.text.includes(taskId), `another task: ${again.text}`);

    const askedFor = { task_id: taskId, wait_seconds: SHORT_WAIT_SECONDS };
    let got = await session.call('get_video_task', askedFor);
    for (let waits = 1; !got.text.includes('**Generated Video:**') && waits < MOST_SHORT_WAITS; waits += 1) {
      got = await session.call('get_video_task', askedFor);
    }
    await checkVideo(got);
    assert.ok(got.text.includes(taskId));
    assert.equal(await countSubmits(prompt), 1, 'submits that arrived at the sandbox');
    return `${howTold(givenUp)}; listed, joined, saved by its id; 1 submit`;
  } finally {
    await session.close();
  }
}
