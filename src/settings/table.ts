/** All settings: name, default, parsing, and what the documents, doctor, the bundle's form and the Registry show of each. */
import { delimiter } from 'node:path';
import { credential, numeric, OPERATIONS, type Operation, PAID, type Setting, setting } from './row.ts';
import { type StorageAddress, shownStorage, storageAddress } from './storage-address.ts';
import { readVideosFolder, stateFolder } from './user-folders.ts';
import {
  type AigcMeta,
  absolutePath,
  aigcMeta,
  apiAddress,
  audience,
  databaseAddress,
  folderList,
  type Limits,
  type LogLevel,
  logLevel,
  oneOf,
  pathRules,
  type Reading,
  secureAddress,
  webAddress,
  withHome,
} from './values.ts';

export { OPERATIONS, type Operation, type Setting } from './row.ts';

const SERVE: readonly Operation[] = ['serve'];
const DEFAULT_API_URL = 'https://visual.volcengineapi.com';
const seconds = (min: number, max: number): Limits => ({ min, max, unit: 'seconds' });
const yuan: Limits = { min: 0, max: 1e9, unit: 'CNY' };
const inYuan = (none: string) => (value: number | undefined) => (value === undefined ? none : `¥${value}`);

/** @returns a folder that is never used: the operations that need it are refused */
function noHome({ refuse }: Reading): string {
  refuse('must be set to an absolute path: its default is in the home folder, and this process has none');
  return '/nonexistent';
}

/** The keys are the fields of `Settings`. */
export const SETTINGS = {
  accessKeyId: credential(
    'VOLC_ACCESSKEY',
    [
      'access key; needed by the first call to the provider, not to start',
      '访问密钥 ID（Access Key）；首次请求服务方时才需要，启动时不需要',
    ],
    {
      id: 'access_key',
      type: 'string',
      title: 'Volcengine access key',
      description: [
        'VOLC_ACCESSKEY. Create keys at console.volcengine.com/iam/keymanage. Needed for real videos.',
        '访问密钥（VOLC_ACCESSKEY）。',
      ],
    },
  ),
  secretAccessKey: credential(
    'VOLC_SECRETKEY',
    ['secret key, including a trailing `==`', '私有密钥（Secret Key）；须完整填写，包括末尾的 `==`'],
    {
      id: 'secret_key',
      type: 'string',
      title: 'Volcengine secret key',
      description: [
        'VOLC_SECRETKEY, complete, including a trailing ==. Needed for real videos.',
        '私有密钥（VOLC_SECRETKEY），原样填写，包括末尾的 ==。',
      ],
    },
  ),
  sessionToken: credential('VOLC_SESSION_TOKEN', ['temporary credentials only', '仅用于临时凭证'], {
    id: 'session_token',
    type: 'string',
    title: 'Session token',
    description: ['VOLC_SESSION_TOKEN, only for temporary keys. Usually left empty.', '仅临时密钥需要，一般留空。'],
  }),
  /** `sandbox`: the embedded one. */
  api: setting<'sandbox' | URL>({
    name: 'JIMENG_VIDEO_API_URL',
    parse: apiAddress(DEFAULT_API_URL),
    initial: () => new URL(DEFAULT_API_URL),
    stops: ['paid', 'check', 'query', 'save'],
    show: (api) => (api === 'sandbox' ? api : api.href.replace(/\/$/, '')),
    meaning: ['address of the service; `sandbox`: the embedded sandbox', '服务地址；填 `sandbox` 使用内置沙箱'],
    form: {
      id: 'api_url',
      type: 'string',
      title: 'API address',
      description: [
        'Empty: the real service. sandbox: try everything without an account; no real videos, no charge.',
        '留空为真实服务；填 sandbox 为沙箱试用，不生成真实视频，不计费。',
      ],
      default: '',
    },
  }),
  /** One submit; a query takes at most 30 s of it. */
  apiTimeoutSeconds: numeric('JIMENG_VIDEO_API_TIMEOUT', seconds(0.1, 3600), 300, {
    meaning: [
      'time limit of one submit; a query takes at most 30 s of it',
      '单次提交的超时时间；查询最多占用其中 30 秒',
    ],
  }),
  /** Undefined: a schedule learns from past tasks. */
  pollIntervalSeconds: numeric('JIMENG_VIDEO_POLL_INTERVAL', seconds(0.02, 3600), undefined, {
    show: (value) => (value === undefined ? '5 s, then adapted to your past videos' : `${value} s`),
    defaultWords: ['5 s', '5 秒'],
    meaning: [
      'time between two queries, decimals allowed; when set, polling is fixed at it; otherwise the schedule adapts to your past videos; never more than 10 queries a second in one process',
      '两次查询的间隔，可用小数；设置后按此固定间隔轮询，不设则根据以往视频的耗时自动调整；单个进程每秒最多查询 10 次',
    ],
  }),
  maxPollAttempts: numeric(
    'JIMENG_VIDEO_MAX_POLL_ATTEMPTS',
    { min: 1, max: 100_000, unit: 'queries', whole: true },
    120,
    {
      meaning: [
        'answered queries per task; after that, one query every 5 minutes',
        '每个任务收到响应的查询次数；达到后改为每 5 分钟查询一次',
      ],
    },
  ),
  waitSeconds: numeric('JIMENG_VIDEO_WAIT_SECONDS', seconds(0, 1800), 45, {
    meaning: ['default wait of a tool call', '工具调用的默认等待时间'],
    form: {
      id: 'wait_seconds',
      type: 'number',
      title: 'Wait (seconds)',
      description: [
        'How long a call waits for a video before it returns the task id. The video is generated either way.',
        '一次调用等待视频的秒数；超时后先返回任务编号，视频照常生成。',
      ],
      default: 45,
    },
  }),
  /** Undefined: links only. */
  outputDir: setting<string>({
    name: 'JIMENG_VIDEO_OUTPUT_DIR',
    parse: (text, reading) => (text === 'none' ? 'none' : absolutePath(text, reading)),
    initial: (reading) => pathRules(reading.from).join(readVideosFolder(reading.from) ?? noHome(reading), 'Jimeng'),
    stops: ['paid', 'check', 'save'],
    show: (folder) => (folder === 'none' ? 'none (links only)' : folder),
    meaning: ['where finished videos are saved; `none`: links only', '生成的视频保存到此处；填 `none` 则只返回链接'],
    defaultWords: ['`Jimeng` in your videos folder', '用户视频文件夹下的 `Jimeng`'],
    form: {
      id: 'output_folder',
      type: 'directory',
      title: 'Folder for videos',
      description: [
        'Finished videos are saved here. Empty: the folder Jimeng in your videos folder.',
        '视频保存到的文件夹；留空则为系统视频文件夹下的 Jimeng。',
      ],
    },
  }),
  allowedDirs: setting<readonly string[]>({
    name: 'JIMENG_VIDEO_ALLOWED_DIRS',
    parse: folderList,
    initial: () => [],
    stops: ['paid', 'check', 'save'],
    show: (folders) => (folders.length === 0 ? 'none' : folders.join(delimiter)),
    meaning: [
      'more folders that `output` may name, separated as in PATH',
      '`output` 还可以使用的文件夹，分隔符与 PATH 相同',
    ],
  }),
  /** Undefined: any readable file may be used. */
  imageDirs: setting<readonly string[] | undefined>({
    name: 'JIMENG_VIDEO_IMAGE_DIRS',
    parse: folderList,
    stops: PAID,
    show: (folders) => folders?.join(delimiter) ?? 'any folder',
    meaning: [
      'when set, local images, sounds and videos are read only from these folders and the output folder',
      '设置后，只从这些文件夹和输出文件夹读取本地图片、音频和视频',
    ],
  }),
  stateDir: setting<string>({
    name: 'JIMENG_VIDEO_STATE_DIR',
    parse: absolutePath,
    initial: (reading) => stateFolder(reading.from) ?? noHome(reading),
    stops: OPERATIONS,
    meaning: ['folder of the database `jimeng.db`', '数据库 `jimeng.db` 所在的文件夹'],
    defaultWords: ['the system’s folder for application data', '系统的应用数据文件夹'],
  }),
  /** Undefined: the file in the state folder. */
  store: setting<string | undefined>({
    name: 'JIMENG_VIDEO_STORE',
    parse: databaseAddress,
    stops: OPERATIONS,
    secret: true,
    meaning: [
      'a PostgreSQL database (`postgres://…`, version 14 or newer) that several computers share, instead of the file in the state folder',
      '多台计算机共用的 PostgreSQL 数据库（`postgres://…`，14 或更高版本），代替状态文件夹中的文件',
    ],
    defaultWords: ['the file in the state folder', '状态文件夹中的文件'],
  }),
  /** Undefined: the same as `store`. */
  storeListen: setting<string | undefined>({
    name: 'JIMENG_VIDEO_STORE_LISTEN',
    parse: databaseAddress,
    stops: [],
    secret: true,
    meaning: [
      'behind PgBouncer: the direct address of the same database, for notifications; without it the database is polled every 2 s',
      '使用 PgBouncer 时：同一数据库的直连地址，用于接收通知；不设则每 2 秒查询一次数据库',
    ],
    defaultWords: ['JIMENG_VIDEO_STORE', 'JIMENG_VIDEO_STORE'],
  }),
  /** Undefined: the output folder. */
  storage: setting<StorageAddress | undefined>({
    name: 'JIMENG_VIDEO_STORAGE',
    parse: storageAddress,
    stops: ['paid', 'check', 'save', 'serve'],
    show: shownStorage,
    meaning: [
      'S3-compatible storage for finished videos instead of the output folder: `s3://bucket/prefix?endpoint=https://…&region=…&path_style=true`; its keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      '将生成的视频保存到兼容 S3 的存储，代替输出文件夹：`s3://bucket/prefix?endpoint=https://…&region=…&path_style=true`；密钥为 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY',
    ],
    defaultWords: ['the output folder', '输出文件夹'],
  }),
  /** Tasks in flight per req_key. */
  concurrency: numeric('JIMENG_VIDEO_CONCURRENCY', { min: 1, max: 100, unit: 'tasks', whole: true }, 2, {
    meaning: ['tasks in flight per req_key', '每个 req_key 同时进行的任务数'],
  }),
  dailyBudgetCny: numeric('JIMENG_VIDEO_DAILY_BUDGET_CNY', yuan, undefined, {
    show: inYuan('no limit'),
    meaning: [
      'a new video is refused when the cost of 24 hours would exceed it',
      '最近 24 小时的花费将超出该金额时，不再生成新视频',
    ],
    form: {
      id: 'daily_budget',
      type: 'number',
      title: 'Daily budget (CNY)',
      description: [
        'Limits what 24 hours may cost; further videos are refused. Empty: no limit. 0: no videos.',
        '最近 24 小时的花费（元）将超出该金额时，不再生成新视频；留空不限，0 为不生成。',
      ],
    },
  }),
  confirmAboveCny: numeric('JIMENG_VIDEO_CONFIRM_ABOVE_CNY', yuan, undefined, {
    show: inYuan('never ask'),
    meaning: [
      'a paid call whose estimated cost is higher asks the user first; refused where the client cannot ask',
      '预估费用高于该金额的付费调用会先请用户确认；客户端不支持确认时拒绝调用',
    ],
  }),
  ffmpeg: setting<string | undefined>({
    name: 'JIMENG_VIDEO_FFMPEG',
    parse: withHome,
    stops: ['paid', 'check', 'preview'],
    show: (path) => path ?? 'searched for',
    meaning: ['full path of ffmpeg', 'ffmpeg 的完整路径'],
    defaultWords: ['on the PATH, then the usual places', '先查找 PATH，再查找常见位置'],
  }),
  images: setting<'allow' | 'omit'>({
    name: 'JIMENG_VIDEO_IMAGES',
    parse: oneOf(['allow', 'omit']),
    initial: () => 'allow',
    stops: ['preview'],
    meaning: [
      '`omit`: `preview_video` answers with the path of its picture instead of the picture, for clients that pass pictures on as text',
      '填 `omit` 时 `preview_video` 返回图片的路径而不是图片，供把图片当作文本传递的客户端使用',
    ],
  }),
  aigcMeta: setting<AigcMeta | undefined>({
    name: 'JIMENG_VIDEO_AIGC_META',
    parse: aigcMeta,
    stops: ['paid', 'check', 'query'],
    show: (meta) => (meta === undefined ? 'not sent' : JSON.stringify(meta)),
    meaning: [
      'the implicit label of generated content (GB 45438-2025), sent with queries: a JSON object with `producer_id` and `content_propagator`, optionally `content_producer` and `propagate_id`',
      '生成内容的隐式标识（GB 45438-2025），随查询发送：JSON 对象，须含 `producer_id` 和 `content_propagator`，可含 `content_producer` 和 `propagate_id`',
    ],
  }),
  sandboxSeconds: numeric('JIMENG_VIDEO_SANDBOX_SECONDS', seconds(0, 86_400), 5, {
    stops: ['paid', 'check', 'query'],
    meaning: ['how long the sandbox takes to generate a video', '沙箱生成一个视频所需的时间'],
  }),
  /** Undefined: nobody has a token. */
  tokensFile: setting<string | undefined>({
    name: 'JIMENG_VIDEO_TOKENS',
    parse: absolutePath,
    stops: SERVE,
    meaning: [
      '`serve` only: the file of the people who may use the server, made by `serve token add`',
      '仅用于 `serve`：可使用服务器的人员列表文件，由 `serve token add` 创建',
    ],
  }),
  oauthIssuer: setting<URL | undefined>({
    name: 'JIMENG_VIDEO_OAUTH_ISSUER',
    parse: secureAddress('https://login.example.com'),
    stops: SERVE,
    meaning: [
      '`serve` only: the authorization server (OAuth 2.1, OpenID Connect) whose tokens are accepted',
      '仅用于 `serve`：接受其令牌的授权服务器（OAuth 2.1、OpenID Connect）',
    ],
  }),
  oauthAudience: setting<string | undefined>({
    name: 'JIMENG_VIDEO_OAUTH_AUDIENCE',
    parse: audience,
    stops: SERVE,
    meaning: [
      '`serve` only: what the tokens of the authorization server name as their audience (`aud`)',
      '仅用于 `serve`：授权服务器签发的令牌中的受众（`aud`）',
    ],
    defaultWords: ['JIMENG_VIDEO_PUBLIC_URL with `/mcp`', 'JIMENG_VIDEO_PUBLIC_URL 加 `/mcp`'],
  }),
  publicUrl: setting<URL | undefined>({
    name: 'JIMENG_VIDEO_PUBLIC_URL',
    parse: webAddress('https://videos.example.com'),
    stops: SERVE,
    meaning: [
      '`serve` only: the address by which clients reach the server, and with which its links begin',
      '仅用于 `serve`：客户端访问服务器的地址，也是服务器所给链接的开头',
    ],
  }),
  logLevel: setting<LogLevel>({
    name: 'LOG_LEVEL',
    parse: logLevel,
    initial: () => 'info',
    stops: [],
    meaning: [
      'trace, debug, info, warn, error, fatal or silent; written to stderr',
      'trace、debug、info、warn、error、fatal、silent；写入 stderr',
    ],
  }),
} as const;

export type SettingField = keyof typeof SETTINGS;
export type SettingValues = {
  readonly [Field in SettingField]: (typeof SETTINGS)[Field] extends Setting<infer Value> ? Value : never;
};
