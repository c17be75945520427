/** Makes a task's clip, which shows what was submitted, in a worker thread that is loaded only then. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { modeRow, PROVIDER_FPS } from '../../jimeng/modes.ts';
import { CLIP_SIZES } from '../check-image.ts';
import type { SandboxTask } from '../identifiers.ts';
import type { ClipJob } from './worker.ts';

export interface ClipRequest {
  readonly task: SandboxTask;
  /** The submit's body as it arrived; undefined where it is not known any longer. */
  readonly rawBody: Buffer | undefined;
  /** The query's aigc_meta. */
  readonly aigcMeta: Readonly<Record<string, string>> | undefined;
}

/** Beside the bundle; the sources use the built one. */
const PLACES = ['./sandbox-worker.mjs', '../../../dist/sandbox-worker.mjs'];

/** @throws Error when the worker fails or is missing */
export function makeClip(request: ClipRequest): Promise<Buffer> {
  return runWorker(jobOf(request));
}

function jobOf({ task, rawBody, aigcMeta }: ClipRequest): ClipJob {
  const { resolution } = modeRow(task.mode);
  const [width, height] = CLIP_SIZES[resolution === '720P' ? '720P' : '1080P'][task.ratio];
  const body = rawBody === undefined ? {} : JSON.parse(rawBody.toString('utf8'));
  const encoded: readonly string[] = body.binary_data_base64 ?? [];
  const urls: readonly string[] = body.image_urls ?? [];
  const seconds = Math.floor(task.frames / PROVIDER_FPS);
  const title = ['Sandbox', task.mode, `${seconds} s`, ...(body.template_id ? [body.template_id] : [])].join(' · ');
  return {
    width,
    height,
    frames: task.frames,
    lines: [title, body.prompt?.trim() ?? '', ...urls],
    images: encoded.map((text) => Buffer.from(text, 'base64')),
    aigc: aigcMeta && JSON.stringify(aigcLabel(aigcMeta)),
  };
}

/** The label in a file (GB 45438-2025, annex E). */
function aigcLabel(meta: Readonly<Record<string, string>>): object {
  return {
    Label: '1',
    ContentProducer: meta.content_producer ?? '',
    ProduceID: meta.producer_id ?? '',
    ReservedCode1: '',
    ContentPropagator: meta.content_propagator ?? '',
    PropagateID: meta.propagate_id ?? '',
    ReservedCode2: '',
  };
}

async function runWorker(job: ClipJob): Promise<Buffer> {
  const file = PLACES.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(fileURLToPath(url)));
  if (file === undefined) throw new Error('The sandbox’s worker does not exist: build the program first.');
  // Without our environment, which holds the keys, and without our stdout, which belongs to the protocol.
  const worker = new Worker(file, { workerData: job, env: {}, stdout: true, stderr: true });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      worker.once('message', (bytes: Uint8Array) => resolve(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
      worker.once('error', reject).once('exit', (code) => reject(new Error(`the worker ended with code ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}
