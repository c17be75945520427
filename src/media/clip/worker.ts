/** The worker thread that reads and writes MP4 files: one job at a time, each answered by one message. */
import { parentPort } from 'node:worker_threads';
import { Logging, LogLevel } from 'mediabunny';
import { Problem } from '../../problems.ts';
import { errorCode } from '../../system/files.ts';
import { cutFrames } from './cut-frames.ts';
import { describeClip } from './describe-clip.ts';
import { Refusal } from './file-ranges.ts';
import { joinFrames } from './join-frames.ts';
import { withMp4Input } from './mp4-file.ts';
import { readFacts } from './read-facts.ts';
import { describeSound } from './sound.ts';
import type { Job, Reply } from './thread.ts';

// The library's default level prints on stdout.
Logging.level = LogLevel.Silent;

function run(job: Job): Promise<unknown> {
  switch (job.step) {
    case 'facts':
      return withMp4Input(job.source, readFacts);
    case 'trim':
      return cutFrames(job.source, job.target, job.seconds);
    case 'describe':
      return withMp4Input(job.source, describeClip);
    case 'describe sound':
      return describeSound(job.source);
    case 'join':
      return joinFrames(job);
  }
}

function replyOf(error: unknown): Reply {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Problem) return { failed: 'problem', code: error.code, message };
  if (error instanceof Refusal) return { failed: 'refusal', message };
  return { failed: 'error', code: errorCode(error), message };
}

parentPort?.on('message', async (job: Job) => {
  const reply: Reply = await run(job).then((value) => ({ value }), replyOf);
  parentPort?.postMessage(reply);
});
