/** What people ask for, and the call that follows from the descriptions alone; and calls that models make from wrong ideas. Half in Chinese, half in English. */
import type { ModeName } from '../../src/jimeng/modes.ts';

export interface Request {
  /** In brackets: what the conversation holds already. */
  readonly say: string;
  readonly tool:
    | 'generate_video'
    | 'submit_video_task'
    | 'get_video_task'
    | 'list_video_tasks'
    | 'cancel_video_task'
    | 'generate_film'
    | 'retake_shot';
  readonly given: Readonly<Record<string, unknown>>;
  /** For a paid call: the mode that is used, and its price in CNY. */
  readonly makes?: readonly [ModeName, number];
  /** Where a model could go wrong: the words of the tool's listing that keep it right. */
  readonly because?: readonly string[];
}

const TASK = 'jv-mf0h5s00-k7m2p';
const PHOTO = '/home/you/Pictures/car.jpg';
const LAST = '/home/you/Pictures/last.jpg';

export const REQUESTS: readonly Request[] = [
  {
    say: 'Make a little film: a paper boat on a stream, then over a waterfall, then at sea. Put this music under it [/home/you/Music/rain.mp3].',
    tool: 'generate_film',
    given: {
      title: 'The paper boat',
      shots: [
        { prompt: 'A paper boat on a quiet stream' },
        { prompt: 'The boat falls over a small waterfall', continue: true },
        { prompt: 'The boat alone on the open sea at dusk', duration: 8 },
      ],
      audio: '/home/you/Music/rain.mp3',
    },
    because: ['begins with the last frame of the shot before', 'Path of an m4a or mp3 to lay under the film'],
  },
  {
    say: '用这三张图做一段 1080P 的短片，镜头依次从一张过渡到下一张 [/home/you/a.jpg /home/you/b.jpg /home/you/c.jpg]。',
    tool: 'generate_film',
    given: {
      shots: [{ prompt: '从清晨过渡到正午' }, { prompt: '从正午过渡到黄昏' }],
      keyframes: ['/home/you/a.jpg', '/home/you/b.jpg', '/home/you/c.jpg'],
      quality: '1080p',
    },
    because: ['shot k goes from picture k to k+1'],
  },
  {
    say: 'Shot 2 of that film [jf-mf0h5s00-k7m2p] is too dark. Make it again, and what follows from it.',
    tool: 'retake_shot',
    given: { film_id: 'jf-mf0h5s00-k7m2p', shot: 2, prompt: 'The boat falls over a waterfall in bright sun', cascade: true },
    because: ['the shots that continue from it are made again, too', 'Its number, from 1'],
  },
  {
    say: 'Make a video of a golden retriever running through sunflowers.',
    tool: 'generate_video',
    given: { prompt: 'A golden retriever runs through a field of sunflowers, low tracking shot, warm evening light' },
    makes: ['t2v_720p', 1.4],
  },
  {
    say: 'Make an 8 second vertical 1080p video of a lighthouse in a storm.',
    tool: 'generate_video',
    given: { prompt: 'A lighthouse in a storm at night', mode: 't2v_1080p', duration: 8, aspect_ratio: '9:16' },
    makes: ['t2v_1080p', 6.3],
    because: ['For 1080p or pro name it: t2v_… without image', '9:16 is upright'],
  },
  {
    say: 'Animate this photo [/home/you/Pictures/car.jpg] and end on that one [/home/you/Pictures/last.jpg].',
    tool: 'generate_video',
    given: { prompt: 'The car drives from the first place to the last', image: PHOTO, tail_image: LAST },
    makes: ['i2v_first_tail_720p', 1.4],
    because: ['image and tail_image: first_tail', 'With an image, too: what moves in it'],
  },
  {
    say: 'The camera circles the car [/home/you/Pictures/car.jpg].',
    tool: 'generate_video',
    given: { prompt: 'The car stands still in the rain', image: PHOTO, template_id: 'central_orbit' },
    makes: ['i2v_recamera_720p', 1.4],
    because: ['Camera movement over a picture: needs image'],
  },
  {
    say: 'A red vintage car on a coast road, the camera circles it.',
    tool: 'generate_video',
    given: { prompt: 'A red vintage car on a coast road, the camera circles it' },
    makes: ['t2v_720p', 1.4],
    because: ['Without an image, or in another mode, write the movement into the prompt'],
  },
  {
    say: 'Same again, but another take [of the lighthouse].',
    tool: 'generate_video',
    given: { prompt: 'A lighthouse in a storm at night', allow_duplicate: true },
    makes: ['t2v_720p', 1.4],
    because: ['true: another take of the same request, paid again'],
  },
  {
    say: 'Just check what a ten second Pro clip of a fox in the snow would cost.',
    tool: 'generate_video',
    given: { prompt: 'A fox in the snow', mode: 'ti2v_pro', duration: 10, dry_run: true },
    makes: ['ti2v_pro', 10],
    because: ['report the price; nothing is sent'],
  },
  { say: 'What happened with my videos?', tool: 'list_video_tasks', given: {} },
  { say: `Stop it [${TASK}, queued].`, tool: 'cancel_video_task', given: { task_id: TASK } },
  {
    say: `Is it ready? [${TASK}] Do not wait.`,
    tool: 'get_video_task',
    given: { task_id: TASK, wait_seconds: 0 },
    because: ['0: one query, no wait'],
  },
  {
    say: `The link does not work any more [${TASK}].`,
    tool: 'get_video_task',
    given: { task_id: TASK },
    because: ['to replace an expired link'],
  },
  {
    say: `Save it as fox.mp4, too [${TASK}].`,
    tool: 'get_video_task',
    given: { task_id: TASK, output: 'fox.mp4' },
    because: ['save it elsewhere', 'a file or folder name inside the output folder'],
  },
  {
    say: `Go on from where that one ended [${TASK}]: now it starts to snow.`,
    tool: 'generate_video',
    given: { prompt: 'It starts to snow', image: `task:${TASK}` },
    makes: ['i2v_first_720p', 1.4],
    because: ['task:TASK_ID for the last frame of that video'],
  },
  {
    say: 'This photo in Pro, upright [/home/you/Pictures/car.jpg].',
    tool: 'generate_video',
    given: { prompt: 'The car drives off', image: PHOTO, mode: 'ti2v_pro' },
    makes: ['ti2v_pro', 5],
    because: ['With an image leave it out: the video has its ratio', 'ti2v_pro with or without image'],
  },
  {
    say: 'Make three different clips of waves, go on without waiting. [the second]',
    tool: 'submit_video_task',
    given: { prompt: 'Waves roll over black sand, seen from above' },
    makes: ['t2v_720p', 1.4],
    because: ['for several videos at once'],
  },
  {
    say: 'A square seven second clip of a cat for the feed, 30 fps, reproducible.',
    tool: 'generate_video',
    given: { prompt: 'A cat yawns', duration: 8, fps: 30, aspect_ratio: '1:1', seed: 42 },
    makes: ['t2v_720p', 2.8],
    because: ['4, 5, 6, 8 or 10, nothing between', 'the same seed and inputs give nearly the same clip'],
  },
  {
    say: 'Which ones are still being made? Tell me when one changes.',
    tool: 'list_video_tasks',
    given: { wait_seconds: 45 },
    because: ['what is still running', 'until any open video is finished'],
  },
  {
    say: 'I have the Volcengine task 7392616336519610409, a 1080p text video: fetch it.',
    tool: 'get_video_task',
    given: { task_id: '7392616336519610409', mode: 't2v_1080p' },
    because: ["or the provider's", 'Only for a provider task id with no record here'],
  },
  {
    say: '10 秒，竖屏，Pro 画质：雨夜的霓虹街道。',
    tool: 'generate_video',
    given: { prompt: '雨夜的霓虹街道，积水倒映灯光', mode: 'ti2v_pro', duration: 10, aspect_ratio: '9:16' },
    makes: ['ti2v_pro', 10],
  },
  {
    say: '把这张照片动起来 [https://example.com/grandma.jpg]。',
    tool: 'generate_video',
    given: { prompt: '老人微笑着转过头来', image: 'https://example.com/grandma.jpg' },
    makes: ['i2v_first_720p', 1.4],
    because: ['With an image, too: what moves in it'],
  },
  {
    say: '用这两张图做首尾帧，1080P [car.jpg, last.jpg]。',
    tool: 'generate_video',
    given: { prompt: '花从含苞到盛开', mode: 'i2v_first_tail_1080p', image: PHOTO, tail_image: LAST },
    makes: ['i2v_first_tail_1080p', 3.15],
    because: ['i2v_first_tail_… with both'],
  },
  {
    say: '这张图做希区柯克推进，幅度小一点 [car.jpg]。',
    tool: 'generate_video',
    given: { prompt: '人物静立，背景拉伸', image: PHOTO, template_id: 'hitchcock_dolly_in', camera_strength: 'weak' },
    makes: ['i2v_recamera_720p', 1.4],
    because: ['With template_id; default medium'],
  },
  {
    say: '这张图镜头快速拉远，要 1080P [car.jpg]。',
    tool: 'generate_video',
    given: { prompt: '镜头快速向后拉远，露出整条海岸', image: PHOTO, mode: 'i2v_first_1080p' },
    makes: ['i2v_first_1080p', 3.15],
    because: ['needs image, 720p only', 'i2v_first_… with it'],
  },
  {
    say: '电影感的超宽画面，沙漠里的驼队，6 秒。',
    tool: 'generate_video',
    given: { prompt: '沙漠里的驼队走过沙丘，落日逆光', duration: 6, aspect_ratio: '21:9' },
    makes: ['t2v_720p', 2.8],
    because: ['6 and 8 as 10'],
  },
  {
    say: '一模一样的再来一条 [雨夜街道]。',
    tool: 'generate_video',
    given: { prompt: '雨夜的霓虹街道', allow_duplicate: true },
    makes: ['t2v_720p', 1.4],
    because: ['without it, the call joins the first one and nothing new is made'],
  },
  {
    say: '先别生成，告诉我 1080P 5 秒要多少钱：雪山日出。',
    tool: 'generate_video',
    given: { prompt: '雪山日出', mode: 't2v_1080p', dry_run: true },
    makes: ['t2v_1080p', 3.15],
    because: ['only check everything and report the price'],
  },
  {
    say: '提交就行，不用等：城市延时摄影。',
    tool: 'submit_video_task',
    given: { prompt: '城市延时摄影，车流成为光带' },
    makes: ['t2v_720p', 1.4],
    because: ['returns as soon as the request is accepted or queued'],
  },
  { say: `好了没有 [${TASK}]？`, tool: 'get_video_task', given: { task_id: TASK } },
  {
    say: `接着上一条的最后一帧拍，人走进屋里 [${TASK}]。`,
    tool: 'generate_video',
    given: { prompt: '人走进屋里，关上门', image: `task:${TASK}` },
    makes: ['i2v_first_720p', 1.4],
  },
  {
    say: '做成 25 帧，存成 广告.mp4：一杯咖啡冒着热气。',
    tool: 'generate_video',
    given: { prompt: '一杯咖啡冒着热气', fps: 25, output: '广告.mp4' },
    makes: ['t2v_720p', 1.4],
    because: ['25 and 30 are converted with ffmpeg'],
  },
  {
    say: '哪些失败了？最近二十条。',
    tool: 'list_video_tasks',
    given: { status: 'failed', limit: 20 },
    because: ['Only these; left out: all'],
  },
  {
    say: 'Wait until all of them are finished.',
    tool: 'list_video_tasks',
    given: { wait_seconds: 45, wait_for: 'all_finished' },
    because: ['With wait_seconds: until any open video is finished (the default), or all are'],
  },
  {
    say: 'Where is my video?',
    tool: 'get_video_task',
    given: {},
    because: ['left out: the newest task'],
  },
  {
    say: '最多花 3 块钱，做一段雪山日出。',
    tool: 'generate_video',
    given: { prompt: '雪山日出，云海翻涌', max_cost_cny: 3 },
    makes: ['t2v_720p', 1.4],
    because: ['refused, and nothing sent, when its estimated cost is higher'],
  },
  { say: '今天花了多少钱？', tool: 'list_video_tasks', given: {}, because: ['what was spent'] },
  { say: `撤回还在排队的那个 [${TASK}]。`, tool: 'cancel_video_task', given: { task_id: TASK } },
  {
    say: '用种子 0 再做一次白鹤起飞，首帧用这张图 [car.jpg]。',
    tool: 'generate_video',
    given: { prompt: '白鹤起飞', image: PHOTO, seed: 0 },
    makes: ['i2v_first_720p', 1.4],
  },
];

export interface WrongIdea {
  /** As a model sends it. */
  readonly given: Readonly<Record<string, unknown>>;
  /** The words that lead on. */
  readonly hint: string;
  /** The arguments of the call that the refusal offers, and its tool where that is another one. */
  readonly right: Readonly<Record<string, unknown>>;
  readonly tool?: string;
}

const P = { prompt: 'A lighthouse in a storm' };
const RESOLUTION = 'the resolution is chosen by `mode`: 720p is the default, t2v_1080p makes 1080p';
const NO_4K = 'there is no 4K, the largest is 1080p; 720p is the default, t2v_1080p makes 1080p';

/** What was sent to generate_video → what the refusal has to say. */
export const WRONG_IDEAS: readonly WrongIdea[] = [
  { given: { ...P, resolution: '1080p' }, hint: RESOLUTION, right: { ...P, mode: 't2v_1080p' } },
  { given: { ...P, resolution: '1920x1080' }, hint: RESOLUTION, right: { ...P, mode: 't2v_1080p' } },
  {
    given: { ...P, image: PHOTO, resolution: 1080 },
    hint: 'i2v_first_1080p makes 1080p, ti2v_pro makes 1080p in the best quality',
    right: { ...P, image: PHOTO, mode: 'i2v_first_1080p' },
  },
  {
    given: { ...P, image: PHOTO, tail_image: LAST, quality: '1080P' },
    hint: '720p is the default, i2v_first_tail_1080p makes 1080p.',
    right: { ...P, image: PHOTO, tail_image: LAST, mode: 'i2v_first_tail_1080p' },
  },
  { given: { ...P, quality: 'pro' }, hint: 't2v_1080p makes 1080p, ti2v_pro makes 1080p in the best quality', right: { ...P, mode: 'ti2v_pro' } },
  { given: { ...P, quality: '720p' }, hint: RESOLUTION, right: P },
  { given: { ...P, resolution: '480p' }, hint: RESOLUTION, right: P },
  { given: { ...P, quality: '4k' }, hint: NO_4K, right: { ...P, mode: 't2v_1080p' } },
  { given: { ...P, resolution: '2160p' }, hint: NO_4K, right: { ...P, mode: 't2v_1080p' } },
  { given: { ...P, height: 2160 }, hint: NO_4K, right: { ...P, mode: 't2v_1080p' } },
  {
    given: { ...P, size: '3840x2160' },
    hint: NO_4K,
    right: { ...P, mode: 't2v_1080p', aspect_ratio: '16:9' },
  },
  {
    given: { ...P, image: PHOTO, template_id: 'handheld', quality: '1080p' },
    hint: 'the resolution is chosen by `mode`: with `template_id` there is only 720p.',
    right: { ...P, image: PHOTO, template_id: 'handheld' },
  },
  { given: { ...P, ratio: '9:16' }, hint: 'did you mean `aspect_ratio`?', right: { ...P, aspect_ratio: '9:16' } },
  { given: { ...P, orientation: 'portrait' }, hint: 'did you mean `aspect_ratio`?', right: { ...P, aspect_ratio: '9:16' } },
  {
    given: { ...P, size: '1080x1920' },
    hint: 'the shape is `aspect_ratio`',
    right: { ...P, mode: 't2v_1080p', aspect_ratio: '9:16' },
  },
  { given: { ...P, length: 8 }, hint: 'did you mean `duration`?', right: { ...P, duration: 8 } },
  { given: { ...P, length: '7 seconds' }, hint: 'did you mean `duration`?', right: { ...P, duration: 8 } },
  { given: { ...P, first_frame: PHOTO }, hint: 'did you mean `image`?', right: { ...P, image: PHOTO } },
  {
    given: { ...P, first_frame: PHOTO, last_frame: LAST },
    hint: 'did you mean `tail_image`?',
    right: { ...P, image: PHOTO, tail_image: LAST },
  },
  { given: { ...P, image_url: PHOTO }, hint: '`image_url` is not an input; did you mean `image`?', right: { ...P, image: PHOTO } },
  {
    given: { ...P, images: [PHOTO, LAST] },
    hint: 'the first frame is `image`, the last one `tail_image`',
    right: { ...P, image: PHOTO, tail_image: LAST },
  },
  { given: { ...P, images: [PHOTO] }, hint: 'the first frame is `image`', right: { ...P, image: PHOTO } },
  { given: { ...P, negative_prompt: 'blurry' }, hint: 'there is no negative prompt', right: P },
  { given: { ...P, model: 'jimeng-3.0-pro' }, hint: 'there is one model', right: { ...P, mode: 'ti2v_pro' } },
  { given: { ...P, model: 'doubao-seedance' }, hint: 'there is one model', right: P },
  { given: { ...P, audio: true }, hint: 'the videos have no sound', right: P },
  { given: { ...P, n: 4 }, hint: 'submit_video_task once for each', right: P, tool: 'submit_video_task' },
  { given: { text: '灯塔与风暴', 时长: 5 }, hint: 'the inputs are prompt, mode', right: {} },
  { given: { description: '灯塔与风暴' }, hint: 'did you mean `prompt`?', right: { prompt: '灯塔与风暴' } },
  { given: { ...P, aspectRatio: '1:1' }, hint: 'did you mean `aspect_ratio`?', right: { ...P, aspect_ratio: '1:1' } },
  { given: { ...P, dryrun: true }, hint: 'did you mean `dry_run`?', right: { ...P, dry_run: true } },
  {
    given: { ...P, image: PHOTO, camera_movement: '机械臂' },
    hint: 'did you mean `template_id`?',
    right: { ...P, image: PHOTO, template_id: 'robo_arm' },
  },
  { given: { ...P, frames: 241 }, hint: 'the length is `duration`', right: { ...P, duration: 10 } },
  { given: { ...P, style: 'anime' }, hint: 'write it into `prompt`', right: { prompt: `${P.prompt}, anime` } },
  { given: { ...P, mode: 't2v_1080p', resolution: '1080p' }, hint: RESOLUTION, right: { ...P, mode: 't2v_1080p' } },
  { given: { ...P, mode: 't2v_720p', resolution: '1080p' }, hint: RESOLUTION, right: {} },
  { given: { ...P, duration: 5, length: 8 }, hint: 'did you mean `duration`?', right: {} },
  {
    given: { ...P, duration: 7, resolution: '1080p' },
    hint: '`duration` must be one of 4, 5, 6, 8, 10, but is 7',
    right: {},
  },
];
