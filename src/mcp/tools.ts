/** All tools. The order is part of the surface and never changes between runs. */
import type { Tool } from './tool.ts';
import { cancelVideoTask } from './tools/cancel-video-task.ts';
import { generateFilm } from './tools/generate-film.ts';
import { generateVideo } from './tools/generate-video.ts';
import { getVideoTask } from './tools/get-video-task.ts';
import { listVideoTasks } from './tools/list-video-tasks.ts';
import { retakeShot } from './tools/retake-shot.ts';
import { submitVideoTask } from './tools/submit-video-task.ts';

export const TOOLS: readonly Tool[] = [
  ...[generateVideo, submitVideoTask, getVideoTask, listVideoTasks, cancelVideoTask],
  ...[generateFilm, retakeShot],
];
