/** The words of the documents' generated tables in English and Chinese; facts and settings come from the sources. */

/** `[English, Chinese]` everywhere. */
export const LANGUAGES = ['en', 'zh'];

export const HEADINGS = {
  modes: [
    '| Mode | req_key | Makes | `prompt` | `image` | `tail_image` | `aspect_ratio` | camera | 5 s | 10 s |',
    '| 模式 | req_key | 生成 | `prompt` | `image` | `tail_image` | `aspect_ratio` | 运镜 | 5 秒 | 10 秒 |',
  ],
  templates: ['| `template_id` | The provider’s name |', '| `template_id` | 官方名称 |'],
  tools: ['| Tool | Does | Costs |', '| 工具 | 作用 | 费用 |'],
  inputs: ['| Input | Tools | Meaning |', '| 参数 | 工具 | 含义 |'],
  statuses: ['| `status` | Meaning | `charge` | `isError` |', '| `status` | 含义 | `charge` | `isError` |'],
  settings: ['| Variable | Default | Meaning |', '| 变量 | 默认值 | 含义 |'],
  errors: [
    '| Code | Who can fix it | Charge at submit | What happened | What to do |',
    '| 错误码 | 由谁解决 | 提交时是否计费 | 原因 | 解决方法 |',
  ],
};

export const NEEDS = {
  required: ['required', '必填'],
  optional: ['optional', '可选'],
  none: ['–', '–'],
  'required unless image': ['required without an image', '无图时必填'],
};

export const YES_NO = { true: ['yes', '是'], false: ['no', '否'] };

export const WHO = {
  you: ['you', '调用者'],
  operator: ['operator', '部署者'],
  provider: ['provider', '服务方'],
  unknown: ['unknown', '未知'],
};

export const CHARGE = {
  none: ['none', 'none（无）'],
  possible: ['possible', 'possible（可能）'],
  made: ['made', 'made（已计费）'],
  'possible / none': ['possible / none', 'possible / none'],
};

export const MODES = {
  t2v_720p: ['text to video, 720P', '文生视频，720P'],
  i2v_first_720p: ['first frame to video, 720P', '首帧图生视频，720P'],
  i2v_first_tail_720p: ['first and last frame to video, 720P', '首尾帧图生视频，720P'],
  i2v_recamera_720p: ['camera movement over an image, 720P', '图片运镜，720P'],
  t2v_1080p: ['text to video, 1080P', '文生视频，1080P'],
  i2v_first_1080p: ['first frame to video, 1080P', '首帧图生视频，1080P'],
  i2v_first_tail_1080p: ['first and last frame to video, 1080P', '首尾帧图生视频，1080P'],
  ti2v_pro: ['text or first frame to video, Pro (1080P)', '文生或首帧图生视频，Pro（1080P）'],
};

export const COSTS = {
  paid: ['**money**, for a finished video only', '**付费**，仅视频成功时'],
  free: ['nothing', '免费'],
  read: ['nothing', '免费'],
};

export const TOOLS = {
  generate_video: [
    'Submits, waits (45 s by default), saves the MP4 and reports. If the wait ends first, the report names the next call.',
    '提交请求、等待（默认 45 秒）、保存 MP4 并返回报告；等待超时后，报告会给出下一步调用。',
  ],
  submit_video_task: [
    'Same inputs and price, but returns as soon as the request is accepted or queued. For several videos at once.',
    '参数和价格相同，请求被接收或进入队列后立即返回；适合同时生成多个视频。',
  ],
  get_video_task: [
    'Queries, waits, refreshes the link, saves. Call it again while the video is being generated.',
    '查询、等待、刷新链接并保存；视频生成期间可反复调用。',
  ],
  list_video_tasks: ['Lists your videos, newest first, and what was spent.', '列出你的视频（最新的在前）及花费。'],
  cancel_video_task: [
    'Withdraws a request that is still `queued`. A task that the provider has accepted cannot be stopped.',
    '撤回仍处于 `queued` 状态的请求；服务方已接收的任务无法停止。',
  ],
  join_videos: [
    'Joins saved videos into one MP4, unchanged where they fit together, else with ffmpeg.',
    '把已保存的视频拼接成一个 MP4；规格一致时不重新编码，否则使用 ffmpeg。',
  ],
  preview_video: [
    'Shows frames of a saved video or film with their times as one picture; needs ffmpeg.',
    '以一张图片展示已保存视频或影片的若干帧及其时间；需要 ffmpeg。',
  ],
  generate_film: [
    'Several shots, checked, priced and recorded together, joined into one MP4 when all are saved.',
    '多个镜头一起检查、报价并记录，全部保存后合成为一个 MP4。',
  ],
  retake_shot: [
    'Makes one shot of a film again, keeps the earlier takes, and joins the film again.',
    '重拍影片中的一个镜头，保留之前的版本，并重新合成影片。',
  ],
};

export const INPUTS = {
  prompt: [
    '1–800 characters, best under 400; may be left out only for ti2v_pro with an image',
    '1–800 个字符，建议不超过 400；仅 ti2v_pro 带图时可省略',
  ],
  mode: ['one of the eight; default: chosen from the inputs (modes.md)', '八种模式之一；默认由参数决定（见 modes.md）'],
  duration: ['4, 5, 6, 8 or 10 seconds; default 5', '4、5、6、8、10 秒；默认 5'],
  fps: ['24, 25 or 30; default 24', '24、25、30；默认 24'],
  image: [
    'first frame: http(s) URL, local path, data URL, or `task:ID` (the last frame of another video, waited for while it is made; needs ffmpeg)',
    '首帧：http(s) URL、本地路径、data URL，或 `task:ID`（另一视频的最后一帧；该视频仍在生成时会等待；需要 ffmpeg）',
  ],
  tail_image: [
    'last frame: a URL where `image` is one, else from this computer; `task:ID` is the first frame of that video, for a loop',
    '尾帧：`image` 是 URL 时也给 URL，否则给本机图片；`task:ID` 为该视频的第一帧，可用于循环',
  ],
  seed: [
    'whole number from −1 to 2147483647; −1 or left out is random; 0 is a seed',
    '−1 到 2147483647 的整数；−1 或不填为随机；0 也是有效种子',
  ],
  aspect_ratio: [
    '16:9 (default), 4:3, 1:1, 3:4, 9:16, 21:9; text modes and Pro, without an image',
    '16:9（默认）、4:3、1:1、3:4、9:16、21:9；仅用于文生模式和 Pro，且不带图',
  ],
  template_id: ['camera movement, i2v_recamera_720p only', '运镜模板，仅 i2v_recamera_720p'],
  camera_strength: [
    'weak, medium (default) or strong; with `template_id`',
    'weak、medium（默认）、strong；配合 `template_id`',
  ],
  output: ['file or folder to save to', '保存到的文件或文件夹'],
  allow_duplicate: ['pay again although the same request already exists', '即使相同请求已存在，也再次付费生成'],
  dry_run: ['check everything and return the price; nothing is sent', '只检查并报价，不发送请求'],
  max_cost_cny: ['refuse the call when its estimated cost is higher', '预估费用高于该金额时拒绝调用'],
  wait_seconds: [
    '0–1800; default `JIMENG_VIDEO_WAIT_SECONDS` (45); `list_video_tasks`: 0',
    '0–1800；默认取 `JIMENG_VIDEO_WAIT_SECONDS`（45），`list_video_tasks` 默认 0',
  ],
  wait_for: [
    'with `wait_seconds`: wait until any open task is finished (`any_finished`, the default) or all are (`all_finished`)',
    '配合 `wait_seconds`：等到任一未完成任务结束（`any_finished`，默认）或全部结束（`all_finished`）',
  ],
  task_id: [
    'the task id of a report, or the provider’s; `get_video_task` without it: the newest task',
    '报告中的任务编号，或服务方的任务 ID；`get_video_task` 省略时取最新的任务',
  ],
  videos: ['2–50 task ids, or paths of MP4 files, in order', '2–50 个任务编号或 MP4 文件路径，按顺序'],
  path: ['an MP4 file on this computer', '本机的 MP4 文件'],
  frames: ['1–12; default 9, of a film up to 12; 1: a poster', '1–12；默认 9，影片最多 12；1 为封面图'],
  limit: ['1–50; default 10', '1–50；默认 10'],
  status: ['only tasks with this status', '只列出该状态的任务'],
  title: ['name of the film and of its file', '影片名称，也用于文件名'],
  shots: [
    '2–24 shots: `prompt`, `duration`, `image`, `tail_image`, `seed`, `template_id`, `camera_strength`, and `continue` (begins with the last frame of the shot before; needs ffmpeg)',
    '2–24 个镜头：`prompt`、`duration`、`image`、`tail_image`、`seed`、`template_id`、`camera_strength`，以及 `continue`（从上一镜头的最后一帧开始；需要 ffmpeg）',
  ],
  keyframes: [
    'one picture more than shots, instead of pictures in the shots: shot k goes from picture k to k+1',
    '比镜头多一张的图片，代替各镜头自己的图片：第 k 个镜头从第 k 张到第 k+1 张',
  ],
  quality: ['720p (default), 1080p or pro, for all shots', '720p（默认）、1080p 或 pro，适用于所有镜头'],
  audio: ['path of an m4a or mp3 to lay under the film', '影片配乐，m4a 或 mp3 的路径'],
  film_id: ['the film id of a report', '报告中的影片编号'],
  shot: ['number of the shot, from 1', '镜头序号，从 1 开始'],
  cascade: ['make the shots that continue from it again, too', '接续它的镜头也一并重拍'],
};

export const STATUSES = {
  checked: ['`dry_run`: everything is valid', '`dry_run`：检查通过'],
  refused: [
    'invalid input, no keys, no budget, no place to save: nothing was recorded or sent',
    '参数有误、缺少密钥、超出预算或无法保存：未记录，也未发送',
  ],
  queued: ['recorded, not sent yet; waits for a slot', '已记录，尚未发送，等待并发名额'],
  submitting: ['sent or about to be; waiting for the answer', '已发送或即将发送，等待响应'],
  generating: [
    'the provider has it (`provider.status`: `in_queue` or `generating`), or it is being saved',
    '服务方已接收（`provider.status` 为 `in_queue` 或 `generating`），或正在保存',
  ],
  done: [
    'finished and saved; or finished, with the link and the reason why it could not be saved',
    '已完成并保存；或已完成，附链接和未能保存的原因',
  ],
  failed: [
    'rejected by the provider, at submit or later, or the provider could not be reached; not billed',
    '被服务方拒绝（提交时或之后），或无法连接服务方；不计费',
  ],
  unknown: [
    'the answer to the submit was lost: it may have been charged and is not sent again',
    '提交后未收到响应：可能已计费，不会重发',
  ],
  not_found: [
    'the provider does not know this task (set after the provider has reported it for 2 minutes)',
    '服务方查无此任务（连续 2 分钟返回此结果后，才进入该状态）',
  ],
  expired: [
    'expired at the provider, or 12 hours passed; or a queue entry that was never sent',
    '服务方返回已过期，或已超过 12 小时；或排队的请求始终未发送',
  ],
  cancelled: ['withdrawn from the queue', '已从队列撤回'],
  running: ['a film: its shots are being made or joined', '影片：镜头正在生成或合成'],
  waiting: [
    'a film: a shot has no video, or the shots could not be joined; the next step says what to do',
    '影片：某个镜头没有视频，或无法合成；下一步会说明如何处理',
  ],
};
