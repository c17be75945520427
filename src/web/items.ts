/** Turns task views into what the page shows. Pure. */
import { compact } from '../compact.ts';
import { hasLink, nextStepOf } from '../report/next-step.ts';
import type { TaskView } from '../tasks/calls.ts';
import { chargeOf, isOpen, NOT_KEPT, type TaskRequest } from '../tasks/record.ts';
import type { VideoRequest } from '../tasks/video-request.ts';
import type { RepeatedCall, VideoItem } from './api.ts';
import { isStored } from './video-file.ts';

/** @param isMissing its file is not there */
export function itemOf(view: TaskView, isMissing: boolean): VideoItem {
  const { task, now, queue, usual, problem } = view;
  const { video } = task;
  const blockedBy = isOpen(task.status) ? (task.pollingProblem ?? task.sendingProblem) : undefined;
  return compact({
    id: task.id,
    status: task.status,
    person: view.person,
    request: task.request,
    sandbox: task.sandbox,
    reservedAt: task.reservedAt,
    acceptedAt: task.acceptedAt,
    finishedAt: task.finishedAt,
    fen: task.fen,
    billedSeconds: task.billedSeconds,
    charge: task.sandbox ? 'none' : chargeOf(task),
    providerTaskId: task.providerTaskId,
    providerStatus: task.providerStatus,
    isGenerated: video !== undefined,
    file:
      video?.file &&
      compact({
        path: video.file.path,
        bytes: video.file.bytes,
        facts: video.file.facts,
        isMissing,
        isStored: isStored(video.file.path),
        source: `files/${task.id}.mp4`,
      }),
    link: video !== undefined && hasLink(task, now) ? { url: video.url, validUntil: video.urlValidUntil } : undefined,
    error: problem ?? task.error ?? blockedBy,
    queue,
    usual,
    next: nextStepOf(view),
    call: callOf(task.request),
  });
}

/** The inputs of tools by the fields of a request. */
const INPUTS = {
  prompt: 'prompt',
  mode: 'mode',
  duration: 'duration',
  fps: 'fps',
  image: 'image',
  tailImage: 'tail_image',
  seed: 'seed',
  aspectRatio: 'aspect_ratio',
  templateId: 'template_id',
  cameraStrength: 'camera_strength',
} as const satisfies Partial<Record<keyof TaskRequest, string>>;
type Field = keyof typeof INPUTS;

/** @param without fields that the call does not take */
export function callOf(request: Pick<TaskRequest, Field> | VideoRequest, without: readonly Field[] = []): RepeatedCall {
  const fields = (Object.keys(INPUTS) as Field[]).filter((field) => !without.includes(field));
  const given = fields
    .map((field) => [INPUTS[field], request[field]] as const)
    .filter(([, value]) => value !== undefined);
  return {
    arguments: Object.fromEntries(given.filter(([, value]) => value !== NOT_KEPT)),
    lacks: given.filter(([, value]) => value === NOT_KEPT).map(([name]) => name),
  };
}

/** Another take: the same request, but for its seed. */
export function isTakeOf({ id, request }: VideoItem, other: VideoItem): boolean {
  const isSame = (['prompt', 'mode', 'image', 'tailImage', 'templateId'] as const).every(
    (name) => request[name] === other.request[name],
  );
  return isSame && id !== other.id;
}
