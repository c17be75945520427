/** Renders reports as Markdown for a model and its user. The text holds nothing that the report does not hold. */
import type { ListReport } from './list-report.ts';
import { isErrorStatus, type Report } from './report.ts';
import { escapeMarkdown, oneLine, rounded, wholeSeconds, yuan } from './text.ts';

/** A link's own characters are never changed; pointed brackets keep parentheses and spaces inside it. */
function link(url: string): string {
  return /[\s()<>]/.test(url) ? `<${url.replace(/[\s<>]/g, encodeURIComponent)}>` : url;
}

/** The source document's format for a finished video; for anything else the status, what happened and what to do. */
export function renderReport(report: Report): string {
  const { status, video, message, next_step: nextStep } = report;
  if (report.shots !== undefined || report.film_id !== undefined) return renderFilm(report);
  const facts = factsOf(report).map(([name, value]) => `- ${name}: ${value}`);
  if (status !== 'done') {
    const list = facts.length === 0 ? [] : [facts.join('\n')];
    return [`**Video Task:** ${status}`, message, nextStep, ...list].join('\n\n');
  }
  const download = video?.url === undefined ? [] : [`[Download Video](${link(video.url)})`];
  const info = ['**Generation Info:**', ...facts].join('\n');
  return ['**Generated Video:**', ...download, info, message, nextStep].join('\n\n');
}

/** A film: the shots as a numbered list, one line each. */
function renderFilm(report: Report): string {
  const { status, message, next_step: nextStep, shots = [], film } = report;
  const lines = shots.map((shot) => `${shot.shot}. ${shotText(shot, escapeMarkdown)}`);
  const facts: [string, string | undefined][] = [
    ['Title', report.title === undefined ? undefined : escapeMarkdown(report.title)],
    ['Person', report.person && escapeMarkdown(report.person)],
    ['Duration', film?.duration_seconds === undefined ? undefined : `${rounded(film.duration_seconds)} seconds`],
    ['Save Path', film === undefined ? undefined : oneLine(film.path)],
    ['Film ID', report.film_id],
    ['Cost', costText(report)],
    ['Error Code', report.error?.code],
  ];
  const list = facts.flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`])).join('\n');
  const shown = lines.length === 0 ? [] : [lines.join('\n')];
  if (status === 'done') {
    const download = film?.url === undefined ? [] : [`[Download Film](${link(film.url)})`];
    return ['**Generated Film:**', ...download, `**Generation Info:**\n${list}`, ...shown, message, nextStep].join(
      '\n\n',
    );
  }
  return [`**Film:** ${status}`, message, nextStep, ...shown, list].join('\n\n');
}

/** One line: state, task, take, what it waits for or why it went wrong, where it is, cost, prompt. */
export function shotText(shot: NonNullable<Report['shots']>[number], shown: (text: string) => string): string {
  const { task_id: id, status, take = 1, mode, duration, continues, path, waits_for: waits, error, prompt } = shot;
  const facts = [
    id,
    take > 1 ? `take ${take}` : undefined,
    mode,
    duration === undefined ? undefined : `${duration} s`,
    continues ? 'continues' : undefined,
    priceText(shot.cost_cny, status),
    waits === undefined || status !== 'queued' ? undefined : `waits for ${waits}`,
    error,
    path === undefined ? undefined : oneLine(path),
  ].filter((fact) => fact !== undefined);
  const state = status === undefined ? '' : `${status} `;
  return `${state}(${facts.join(', ')})${prompt === undefined ? '' : ` ${shown(prompt)}`}`;
}

function priceText(cny: number | undefined, status: string | undefined): string | undefined {
  if (cny === undefined) return undefined;
  return `${yuan(cny)}${status === 'done' ? '' : status === 'queued' ? ' estimated' : ' pending'}`;
}

function factsOf(report: Report): [name: string, value: string][] {
  const { video, error, status } = report;
  const isDone = status === 'done';
  const duration = video?.duration_seconds ?? report.duration;
  const fps = video?.fps ?? report.fps;
  const facts: [string, string | undefined][] = [
    ['Prompt', report.prompt === undefined ? undefined : escapeMarkdown(report.prompt)],
    ['Person', report.person && escapeMarkdown(report.person)],
    ['Duration', duration === undefined || isErrorStatus(status) ? undefined : `${wholeSeconds(duration)} seconds`],
    ['Mode', report.mode],
    ['FPS', fps === undefined || !isDone ? undefined : rounded(fps)],
    ['Save Path', video?.path === undefined ? undefined : oneLine(video.path)],
    ['Task ID', report.task_id],
    ['Cost', costText(report)],
    ['Error Code', error?.code],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

/** Pending: charged if it succeeds, or perhaps already. @returns undefined where the message says that nothing was charged */
export function costText({ cost, sandbox, status }: Report): string | undefined {
  if (cost === undefined) return undefined;
  if (sandbox) return 'none (sandbox)';
  const { estimated_cny: cny, charge } = cost;
  const price = cny === undefined ? 'not known' : yuan(cny);
  if (status === 'refused') return 'none (nothing was sent)';
  if (charge === 'none') return status === 'queued' || status === 'checked' ? `${price} estimated` : undefined;
  return charge === 'made' ? price : `${price} pending`;
}

export function renderList(list: ListReport): string {
  const { tasks, error, next_step: nextStep } = list;
  if (error !== undefined) {
    return ['**Video Tasks:** refused', error.message ?? error.code, nextStep, `- Error Code: ${error.code}`].join(
      '\n\n',
    );
  }
  const lines = [
    ...tasks.map((task) => `- ${itemText(task, escapeMarkdown)}`),
    ...(list.films ?? []).map((film) => `- ${filmItemText(film, escapeMarkdown)}`),
  ];
  return [
    `**Video Tasks:** ${countText(list)}`,
    ...(lines.length === 0 ? [] : [lines.join('\n')]),
    ...moneyText(list),
    nextStep,
  ].join('\n\n');
}

/** "3 of 12, 2 open"; after a wait "1 finished, 2 open" */
export function countText({ tasks, counts, changed }: ListReport): string {
  if (Object.values(counts ?? {}).every((count) => count === 0)) return 'none yet';
  if (changed !== undefined) return `${changed.length} finished, ${counts?.open ?? 0} open`;
  if (counts?.total === 0) return `none with this status, ${counts.open ?? 0} open`;
  return `${tasks.length} of ${counts?.total ?? tasks.length}, ${counts?.open ?? 0} open`;
}

/** One line: id, status, what it waits for or why it went wrong, where it is, cost, prompt. */
export function itemText(item: ListReport['tasks'][number], shown: (text: string) => string): string {
  const { task_id: id, status, mode, person, prompt, path, cost_cny: cny, waits_for: waits, error } = item;
  const facts = [
    mode,
    person && `of ${shown(person)}`,
    priceText(cny, status),
    waits === undefined ? undefined : `waits for ${waits}`,
    error && (error.message === undefined ? error.code : `${error.code}: ${error.message}`),
    path === undefined ? undefined : oneLine(path),
  ];
  const inBrackets = facts.filter((fact) => fact !== undefined).join(', ');
  return `${id} ${status}${inBrackets === '' ? '' : ` (${inBrackets})`}${prompt === undefined ? '' : ` ${shown(prompt)}`}`;
}

/** One line: id, status, shots, where it is, cost, title. */
export function filmItemText(item: NonNullable<ListReport['films']>[number], shown: (text: string) => string): string {
  const { film_id: id, status, shots, shots_done: saved, person, path, cost_cny: cny, title } = item;
  const whose = person && `of ${shown(person)}`;
  const facts = [
    `${saved} of ${shots} shots saved`,
    whose,
    cny === undefined ? undefined : yuan(cny),
    path && oneLine(path),
  ];
  return `${id} ${status} (${facts.filter(Boolean).join(', ')})${title === undefined ? '' : ` ${shown(title)}`}`;
}

/** @returns no line where no account is known */
export function moneyText({ spent, sandbox }: ListReport): string[] {
  if (sandbox) return ['Sandbox: no real videos, and nothing is charged.'];
  if (spent === undefined) return [];
  const { last_24h_cny: day, all_time_cny: all, pending_cny: pending, budget_cny: budget, left_cny: left } = spent;
  const limit = budget === undefined ? '' : ` Daily budget ${yuan(budget)}: ${yuan(left ?? 0)} left.`;
  return [`Spent: ${yuan(day)} in the last 24 hours, ${yuan(all)} in all; pending ${yuan(pending)}.${limit}`];
}
