/** Renders reports for a terminal: no Markdown marks, and with `verbose` all that the report holds. */
import type { ListReport } from './list-report.ts';
import { costText, countText, filmItemText, itemText, moneyText, shotText } from './render.ts';
import type { Report } from './report.ts';
import { capitalised, localTime, oneLine, rounded, wholeSeconds } from './text.ts';

export interface TerminalOptions {
  readonly verbose: boolean;
  /** The reader's time zone; undefined: this computer's. */
  readonly zone?: string;
}

type Fact = readonly [name: string, value: string | undefined];

export function renderForTerminal(report: Report, options: TerminalOptions): string {
  const { message, next_step: nextStep, status, shots } = report;
  const isFilm = shots !== undefined || report.film_id !== undefined;
  const facts = isFilm ? filmFacts(report) : factsOf(report);
  const lines = factLines([...facts, ...(options.verbose ? otherFacts(report, options) : [])]);
  const ofShots = (shots ?? []).map((shot) => `  ${String(shot.shot).padStart(2)}. ${shotText(shot, oneLine)}`);
  const lists = [lines, ofShots].filter(({ length }) => length > 0).map((list) => list.join('\n'));
  return [`${isFilm ? 'Film' : 'Video'} ${status}: ${message}`, ...lists, nextStep].join('\n\n');
}

function factLines(facts: readonly Fact[]): string[] {
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

function filmFacts(report: Report): Fact[] {
  const { film, title, film_id: filmId, error } = report;
  const seconds = film?.duration_seconds;
  const size = film?.width === undefined ? undefined : `${film.width} × ${film.height}, ${megabytes(film.bytes)}`;
  return [
    ['File', film === undefined ? undefined : oneLine(film.path)],
    ['Title', title === undefined ? undefined : oneLine(title)],
    ['Video', seconds === undefined ? undefined : [`${rounded(seconds)} s`, size].filter(Boolean).join(', ')],
    ['Cost', costText(report)],
    ['Film', filmId],
    ['Error', error?.code],
  ];
}

function factsOf(report: Report): Fact[] {
  const { prompt, mode, task_id: taskId, duration, fps, video, error } = report;
  const seconds = video?.duration_seconds ?? duration;
  const rate = video?.fps ?? fps;
  const length = [
    ...(seconds === undefined ? [] : [`${wholeSeconds(seconds)} s`]),
    ...(rate === undefined ? [] : [`${rounded(rate)} fps`]),
    ...(mode === undefined ? [] : [mode]),
  ];
  return [
    ['File', video?.path === undefined ? undefined : oneLine(video.path)],
    ['Link', video?.path === undefined ? video?.url : undefined],
    ['Prompt', prompt === undefined ? undefined : oneLine(prompt)],
    ['Video', length.length === 0 ? undefined : length.join(', ')],
    ['Cost', costText(report)],
    ['Task', taskId],
    ['Error', error?.code],
  ];
}

const WHO = { you: 'you', operator: 'the operator', provider: 'the provider', unknown: 'not known' } as const;

function otherFacts(report: Report, { zone }: TerminalOptions): Fact[] {
  const { video, provider, cost, error } = report;
  const time = (iso: string | undefined) => (iso === undefined ? undefined : localTime(Date.parse(iso), zone));
  const size = video?.width === undefined ? undefined : `${video.width} × ${video.height}, ${megabytes(video.bytes)}`;
  return [
    ['Link', video?.path === undefined ? undefined : video.url],
    ['Link valid until', time(video?.url_valid_until)],
    ['Size', size],
    ['Billed', cost?.billed_seconds === undefined ? undefined : `${cost.billed_seconds} s`],
    ['Submitted', time(report.submitted_at)],
    ['Finished', time(report.finished_at)],
    ['Elapsed', report.elapsed_seconds === undefined ? undefined : `${Math.round(report.elapsed_seconds)} s`],
    ['Collect before', time(report.collect_before)],
    ['Provider status', provider?.status],
    ['Provider task', provider?.task_id],
    ['Capability', provider?.req_key],
    ['Request id', provider?.request_id],
    ['Provider code', error?.provider_code === error?.code ? undefined : error?.provider_code],
    ['Who can fix it', error === undefined ? undefined : WHO[error.who]],
  ];
}

function megabytes(bytes = 0): string {
  return bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function renderListForTerminal(list: ListReport): string {
  const { tasks, error, next_step: nextStep } = list;
  if (error !== undefined) return [error.message ?? error.code, nextStep].join('\n\n');
  const films = (list.films ?? []).map((film) => filmItemText(film, oneLine));
  const lines = [...tasks.map((task) => itemText(task, oneLine)), ...films];
  return [
    ...(lines.length === 0 ? [] : [lines.join('\n')]),
    [`${capitalised(countText(list))}.`, ...moneyText(list)].join(' '),
    nextStep,
  ].join('\n\n');
}
