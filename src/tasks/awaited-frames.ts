/** Bodies whose pictures come from videos that are still being made: marks in their places, and what they are replaced by. Pure. */
import type { AwaitedFrame } from './record.ts';

/** Stands in a fingerprint for a picture that is not there. Base64 has no such characters. */
function nameOf({ taskId, which }: AwaitedFrame): string {
  return `task:${taskId}#${which}`;
}

/** Stands in a body for the picture of this place in `awaits`; the task it comes from may be replaced by another take. */
export function markOf(index: number): string {
  return `#${index}`;
}

/** @param body the JSON that was recorded, with marks @returns the body with the pictures in their places */
export function fillBody(body: Uint8Array, pictures: readonly Uint8Array[]): Record<string, unknown> {
  const fields = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  const data: readonly string[] = fields.binary_data_base64 ?? [];
  const filled = data.map((entry) => (entry.startsWith('#') ? pictures[Number(entry.slice(1))] : entry));
  if (filled.includes(undefined)) throw new Error('a picture of the recorded request is missing');
  return { ...fields, binary_data_base64: filled };
}

/** A picture of a request that comes from another task's video, and its place in the body. */
export interface FrameOfVideo {
  readonly index: number;
  readonly frame: AwaitedFrame;
}

/** The body as its fingerprint is made while the frames are not there. A task of the same film has no lasting id. */
export function marked(
  body: Readonly<Record<string, unknown>>,
  frames: readonly FrameOfVideo[],
  coming: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  const data = Array.isArray(body.binary_data_base64) ? [...body.binary_data_base64] : [];
  for (const { index, frame } of frames) data[index] = coming.has(frame.taskId) ? `#${frame.which}` : nameOf(frame);
  return { ...body, binary_data_base64: data };
}
