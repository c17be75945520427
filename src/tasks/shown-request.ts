/** What of a request is kept in its record, and shown? */
import type { Prepared } from './prepare.ts';
import type { TaskRecord } from './record.ts';
import type { VideoRequest } from './video-request.ts';

/** A data URL is megabytes long; everything else is kept as it was given. */
function shownImage(image: string): string {
  return /^data:/i.test(image) ? 'data URL' : image;
}

export function shownRequest(request: VideoRequest, prepared: Prepared): TaskRecord['request'] {
  const { mode, prompt, duration, fps, image, tailImage } = request;
  return {
    mode,
    duration,
    fps,
    ...(prompt === undefined ? {} : { prompt }),
    ...(request.seed === undefined ? {} : { seed: request.seed }),
    ...(request.aspectRatio === undefined ? {} : { aspect_ratio: request.aspectRatio }),
    ...(request.templateId === undefined ? {} : { template_id: request.templateId }),
    ...(request.cameraStrength === undefined ? {} : { camera_strength: request.cameraStrength }),
    ...(image === undefined ? {} : { image: shownImage(image) }),
    ...(tailImage === undefined ? {} : { tail_image: shownImage(tailImage) }),
    notes: [...prepared.notes],
  };
}
