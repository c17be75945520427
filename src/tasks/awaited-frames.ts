/** Bodies whose pictures come from videos that are still being made: marks in their places, and what they are replaced by. Pure. */
import type { AwaitedFrame, Task } from './record.ts';

/** Pictures by their marks. */
export type Frames = Map<string, Uint8Array>;

/** Stands in a body in the place of a picture. Base64 has no such characters. */
export function markOf({ taskId, which }: AwaitedFrame): string {
  return `task:${taskId}#${which}`;
}

/** @param body the JSON that was recorded, with marks @returns the body with the pictures in their places */
export function fillBody(body: Uint8Array, pictures: Frames): Record<string, unknown> {
  const fields = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  const data: readonly string[] = fields.binary_data_base64 ?? [];
  return { ...fields, binary_data_base64: data.map((entry) => pictures.get(entry) ?? entry) };
}

/** Whether a video that is waited for is there, still to come, or will never be. */
export function arrivalOf(previous: Task | undefined): 'saved' | 'coming' | 'never' {
  if (previous === undefined) return 'never';
  const { status, video, saveAgainAt } = previous;
  if (video?.file !== undefined) return 'saved';
  if (status === 'queued' || status === 'submitting' || status === 'generating') return 'coming';
  // Finished and not saved yet: saving is tried again.
  return status === 'done' && saveAgainAt !== undefined ? 'coming' : 'never';
}
