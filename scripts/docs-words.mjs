/** The words of the READMEs' generated tables in English and Chinese; facts and settings come from the sources. */

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
    '| Code | Who mends it | Charge at submit | What happened | What to do |',
    '| 代码 | 由谁处理 | 提交时是否计费 | 发生了什么 | 怎么办 |',
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
    'Submits, waits (45 s by default), saves the MP4, reports. When the wait is over first, the report names the next call.',
    '提交、等待（默认 45 秒）、保存 MP4 并报告；等待先到时，报告会写明下一步调用。',
  ],
  submit_video_task: [
    'The same inputs and price, but returns as soon as the request is taken. For several videos at once.',
    '参数和价格相同，但请求一被接收就返回；适合同时做多个视频。',
  ],
  get_video_task: [
    'Asks, waits, fetches a fresh link, saves. Call it again while the video is being made.',
    '查询、等待、换新链接、保存；视频未完成时可反复调用。',
  ],
  list_video_tasks: [
    'Lists the videos made from this computer, newest first, with what was spent.',
    '列出本机做过的视频（新的在前）以及花费。',
  ],
  cancel_video_task: [
    'Withdraws a request that is still `queued`. A task that the provider has cannot be stopped.',
    '撤回仍在 `queued` 的请求；服务方已收下的任务无法停止。',
  ],
};

export const INPUTS = {
  prompt: [
    '1–800 characters, best under 400; may be left out only for ti2v_pro with an image',
    '1–800 个字符，建议 400 以内；只有 ti2v_pro 带图时可以不写',
  ],
  mode: ['one of the eight; default below', '八种模式之一；默认值见下文'],
  duration: ['4, 5, 6, 8 or 10 seconds; default 5', '4、5、6、8、10 秒；默认 5'],
  fps: ['24, 25 or 30; default 24', '24、25、30；默认 24'],
  image: [
    'first frame: http(s) URL, local path, data URL, or `task:ID` (the last frame of an earlier, saved video; needs ffmpeg)',
    '首帧：http(s) URL、本地路径、data URL，或 `task:ID`（某个已保存视频的最后一帧；需要 ffmpeg）',
  ],
  tail_image: [
    'last frame: a URL where `image` is one, else from this computer; not `task:ID`',
    '尾帧：`image` 是 URL 时也给 URL，否则给本机图片；不能用 `task:ID`',
  ],
  seed: [
    'whole number from −1 to 2147483647; −1 or left out is random; 0 is a seed',
    '−1 到 2147483647 的整数；−1 或不填为随机；0 也是种子',
  ],
  aspect_ratio: [
    '16:9, 4:3, 1:1, 3:4, 9:16, 21:9; text modes and Pro',
    '16:9、4:3、1:1、3:4、9:16、21:9；仅文生模式和 Pro',
  ],
  template_id: ['camera movement, i2v_recamera_720p only', '运镜模板，仅 i2v_recamera_720p'],
  camera_strength: [
    'weak, medium (default) or strong; with `template_id`',
    'weak、medium（默认）、strong；配合 `template_id`',
  ],
  output: ['file or folder to save to', '保存到的文件或文件夹'],
  allow_duplicate: ['pay again although the same request is there', '相同请求已存在时仍再付费生成'],
  dry_run: ['check everything and say the price; nothing is sent', '只检查并报价，不发送'],
  wait_seconds: [
    '0–1800; default `JIMENG_VIDEO_WAIT_SECONDS`, which is 45 unless set (`list_video_tasks`: 0, and it returns when any open task changes)',
    '0–1800；默认为 `JIMENG_VIDEO_WAIT_SECONDS`，不设时是 45（`list_video_tasks` 默认 0，任一未完成任务变化时返回）',
  ],
  task_id: ['ours, or the provider’s', '本程序的编号，或服务方的任务号'],
  limit: ['1–50; default 10', '1–50；默认 10'],
  status: ['only tasks with this status', '只列出该状态的任务'],
};

export const STATUSES = {
  checked: ['`dry_run`: all is well', '`dry_run`：一切正常'],
  refused: [
    'wrong input, no keys, no budget, no place to save: nothing was recorded or sent',
    '参数有误、没有密钥、超出预算或无处保存：没有记录，也没有发送',
  ],
  queued: ['recorded, not sent yet; waits for a slot', '已记录，尚未发送，等待空位'],
  submitting: ['sent or about to be; the answer is awaited', '正在或即将发送，等待答复'],
  in_queue: ['accepted; waits at the provider', '服务方已接收，排队中'],
  generating: ['being made, or being saved', '生成中，或正在保存'],
  done: [
    'finished and saved; or finished, with the link and the reason why it is not saved',
    '完成并已保存；或已完成，给出链接及未保存的原因',
  ],
  failed: [
    'the provider’s definite no, or it could not be reached at all; not billed',
    '服务方明确拒绝，或根本没有连上；不计费',
  ],
  unknown: [
    'the answer to the submit was lost: it may have been charged, and is not sent again',
    '提交的答复丢失：可能已计费，不会重发',
  ],
  not_found: ['the provider does not know it, and has said so for 2 minutes', '服务方持续 2 分钟表示没有这个任务'],
  expired: [
    'the provider’s word, or 12 hours passed; or a queue entry that was never sent',
    '服务方表示过期，或已过 12 小时；或排队条目从未发送',
  ],
  cancelled: ['withdrawn from the queue', '已从队列撤回'],
};
