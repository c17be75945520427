/** Which value does each setting have, and did the operator set it? */

import { delimiter } from 'node:path';
import type { ReadSettings, Settings } from '../settings.ts';
import { DEFAULT_POLL_SECONDS } from '../tasks/schedule.ts';
import { type Check, fine, toMend } from './doctor-check.ts';

type Show = (settings: Settings) => string;

const seconds = (value: number) => `${value} s`;
const list = (folders: readonly string[] | undefined, none: string) =>
  folders === undefined || folders.length === 0 ? none : folders.join(delimiter);

/** Every setting but the secrets, as it is in force. */
const SHOWN: Readonly<Record<string, Show>> = {
  JIMENG_VIDEO_API_URL: ({ api }) => (api === 'sandbox' ? api : api.href),
  JIMENG_VIDEO_API_TIMEOUT: ({ apiTimeoutSeconds }) => seconds(apiTimeoutSeconds),
  JIMENG_VIDEO_POLL_INTERVAL: ({ pollIntervalSeconds }) =>
    pollIntervalSeconds === undefined
      ? `${seconds(DEFAULT_POLL_SECONDS)}, then as your past videos tell`
      : seconds(pollIntervalSeconds),
  JIMENG_VIDEO_MAX_POLL_ATTEMPTS: ({ maxPollAttempts }) => String(maxPollAttempts),
  JIMENG_VIDEO_WAIT_SECONDS: ({ waitSeconds }) => seconds(waitSeconds),
  JIMENG_VIDEO_OUTPUT_DIR: ({ outputDir }) => outputDir ?? 'none (links only)',
  JIMENG_VIDEO_ALLOWED_DIRS: ({ allowedDirs }) => list(allowedDirs, 'none more'),
  JIMENG_VIDEO_IMAGE_DIRS: ({ imageDirs }) => list(imageDirs, 'any folder'),
  JIMENG_VIDEO_STATE_DIR: ({ stateDir }) => stateDir,
  JIMENG_VIDEO_CONCURRENCY: ({ concurrency }) => String(concurrency),
  JIMENG_VIDEO_DAILY_BUDGET_CNY: ({ dailyBudgetCny }) => (dailyBudgetCny === undefined ? 'none' : `¥${dailyBudgetCny}`),
  JIMENG_VIDEO_FFMPEG: ({ ffmpeg }) => ffmpeg ?? 'looked for',
  LOG_LEVEL: ({ logLevel }) => logLevel,
};

const SECRETS = ['VOLC_ACCESSKEY', 'VOLC_SECRETKEY', 'VOLC_SESSION_TOKEN'] as const;

/** One line a setting, with its origin; first the secrets, of which only that is told; then what is wrong elsewhere. */
export function checkSettings({ settings, problems, given }: ReadSettings): Check[] {
  const wrong = new Map(problems.map(({ name, message }) => [name, message]));
  const told = (name: string, value: string) => {
    const message = wrong.get(name);
    wrong.delete(name);
    if (message === undefined) return fine(name, value);
    const words = message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
    return toMend(name, words, 'correct it, or remove it');
  };
  return [
    ...SECRETS.map((name) => told(name, given.includes(name) ? 'set (not shown)' : 'not set')),
    ...Object.entries(SHOWN).map(([name, show]) =>
      told(name, `${show(settings)} (${given.includes(name) ? 'set' : 'default'})`),
    ),
    ...[...wrong.keys()].map((name) => told(name, '')),
  ];
}
