/** Builds and renders the reports about saved videos: what was joined, and what a preview shows. */
import * as z from 'zod';
import { compact } from '../compact.ts';
import type { JoinedView, PreviewView } from '../films/calls.ts';
import { timeText } from '../media/clip/time-stamps.ts';
import type { Problem } from '../problems.ts';
import { SANDBOX, sentence } from './message.ts';
import type { Phrasing } from './phrasing-tools.ts';
import { refusal, reportSchema, videoSchema } from './report.ts';
import { oneLine, rounded } from './text.ts';

/** Lengths and times are seconds. */
export const clipSchema = z.strictObject({
  status: z.enum(['done', 'refused']),
  message: z.string(),
  next_step: z.string(),
  film_id: z.string().optional(),
  video: videoSchema
    .required({ path: true, bytes: true, width: true, height: true, duration_seconds: true, fps: true })
    .optional(),
  /** Left to right, top to bottom. */
  frames: z.array(z.strictObject({ seconds: z.number(), shot: z.number().optional() })).optional(),
  picture_path: z.string().optional(),
  sandbox: z.boolean().optional(),
  error: reportSchema.shape.error,
});
export type ClipReport = z.infer<typeof clipSchema>;

export function joinReport({ file, link, videos, notes, sandbox }: JoinedView, phrasing: Phrasing): ClipReport {
  const { path, bytes, facts } = file;
  return compact({
    status: 'done' as const,
    message: [`${videos} videos were joined.`, ...notes.map(sentence), ...(sandbox ? [SANDBOX] : [])].join(' '),
    next_step: phrasing.nextStep({ action: 'show_file' }),
    video: facts && { ...linkFacts(link), ...videoOf(path, { ...facts, bytes }) },
    sandbox: sandbox || undefined,
  });
}

export function previewReport(view: PreviewView, phrasing: Phrasing): ClipReport {
  const { path, filmId, facts, picturePath, seconds, cuts, hiddenCuts, sandbox } = view;
  const shown = cuts.length === 0 ? `${seconds.length} frames` : `The frames before and after ${cutsText(view)}`;
  const first = seconds.length === 1 ? 'One frame is shown' : `${shown} are shown, left to right, top to bottom`;
  const where = picturePath === undefined ? '' : ` The picture is in ${oneLine(picturePath)}.`;
  const hidden =
    hiddenCuts === 0 ? '' : hiddenCuts === 1 ? ' 1 more cut is not shown.' : ` ${hiddenCuts} more cuts are not shown.`;
  return compact({
    status: 'done' as const,
    message: `${first}.${where}${hidden}${sandbox ? ` ${SANDBOX}` : ''}`,
    next_step: phrasing.nextStep(compact({ action: 'judge', filmId })),
    film_id: filmId,
    video: videoOf(path, facts),
    frames: seconds.map((at) => {
      const cut = cuts.find(({ seconds: sides }) => sides.some((side) => Math.abs(side - at) < 0.5 / facts.fps));
      const shot = cut === undefined ? {} : { shot: at < cut.seconds[1] - 0.5 / facts.fps ? cut.shot - 1 : cut.shot };
      return { seconds: Math.round(at * 1000) / 1000, ...shot };
    }),
    picture_path: picturePath,
    sandbox: sandbox || undefined,
  });
}

function linkFacts(link: JoinedView['link']) {
  return link === undefined ? {} : { url: link.url, url_valid_until: new Date(link.validUntil).toISOString() };
}

function cutsText({ cuts }: PreviewView): string {
  return cuts.length === 1 ? 'one cut' : `${cuts.length} cuts`;
}

function videoOf(
  path: string,
  facts: { width: number; height: number; durationSeconds: number; fps: number; bytes: number },
): NonNullable<ClipReport['video']> {
  const { width, height, durationSeconds, fps, bytes } = facts;
  return { path, bytes, width, height, duration_seconds: Math.round(durationSeconds * 1000) / 1000, fps };
}

/** The call was refused, and nothing was written. */
export function clipRefusal(problem: Problem, phrasing: Phrasing): ClipReport {
  const { message, next_step, error } = refusal(problem, phrasing);
  return { status: 'refused', message, next_step, error };
}

/** As Markdown for a model; the path and the times come before everything else. */
export function renderClip({ status, message, next_step: nextStep, video, frames, error }: ClipReport): string {
  if (status === 'refused')
    return ['**Video:** refused', message, nextStep, `- Error Code: ${error?.code}`].join('\n\n');
  const facts = [
    ...(video === undefined
      ? []
      : [
          `- Save Path: ${oneLine(video.path)}`,
          `- Duration: ${rounded(video.duration_seconds)} seconds, ${video.width}×${video.height}, ${rounded(video.fps)} FPS`,
        ]),
    ...(frames === undefined ? [] : [`- Frames: ${frames.map(frameText).join(', ')}`]),
  ];
  const title = frames === undefined ? '**Joined Video:**' : '**Video Preview:**';
  const download = video?.url === undefined ? [] : [`[Download Video](${video.url})`];
  return [...download, [title, ...facts].join('\n'), message, nextStep].join('\n\n');
}

/** Without Markdown marks. */
export function renderClipForTerminal({ message, next_step: nextStep, video, frames }: ClipReport): string {
  const facts = [
    ...(video === undefined
      ? []
      : [
          `  File    ${oneLine(video.path)}`,
          `  Video   ${rounded(video.duration_seconds)} s, ${video.width} × ${video.height}, ${rounded(video.fps)} fps`,
        ]),
    ...(frames === undefined ? [] : [`  Frames  ${frames.map(frameText).join(', ')}`]),
  ];
  return [message, ...(facts.length === 0 ? [] : [facts.join('\n')]), nextStep].join('\n\n');
}

function frameText({ seconds, shot }: NonNullable<ClipReport['frames']>[number]): string {
  return shot === undefined ? timeText(seconds) : `${timeText(seconds)} (shot ${shot})`;
}
