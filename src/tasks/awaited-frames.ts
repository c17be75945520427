/** Bodies whose pictures come from videos that are still being made: marks in their places, and what they are replaced by. Pure. */
import type { AwaitedFrame } from './record.ts';

/** Stands in a fingerprint for a picture that is not there. Base64 has no such characters. */
export function nameOf({ taskId, which }: AwaitedFrame): string {
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
