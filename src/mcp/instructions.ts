/** What does a model have to know of this server before it chooses a tool? Under 2 kB. */

export const INSTRUCTIONS = `Makes videos with Volcengine's Jimeng (即梦AI) Video 3.0. A finished video costs money and takes 2 to 10 minutes.

- generate_video submits, waits for wait_seconds at most and returns; when the video is not ready yet, call get_video_task with the task_id it gave, again and again, until it is done. Do not repeat the paid call: the same request joins the running one.
- Every answer about a task has a status and a next_step: do what next_step says. isError with charge "none" cost nothing. "unknown" may have been charged and is never sent again by itself: ask the user.
- Leave out every input that the user did not ask for; only generate_video's prompt is yours to write well. Another take of the same: allow_duplicate. What a mode takes and costs: resource jimeng://modes.
- For several videos use submit_video_task for each and then get_video_task, or list_video_tasks with wait_seconds.
- Tell the user the price before the first paid call (dry_run says it). Show the saved path and the link when it is done; the link lives for one hour, get_video_task gives a fresh one.`;
