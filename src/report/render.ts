/** How does a report read as Markdown? The text says nothing that the report does not hold. */
import { escapeMarkdown } from './markdown.ts';
import type { ListReport, Report } from './report.ts';
import { tidy, wholeSeconds } from './sentences.ts';

/** A link's own characters are never changed; pointed brackets keep parentheses and spaces inside it. */
function link(url: string): string {
  return /[\s()<>]/.test(url) ? `<${url.replace(/[\s<>]/g, encodeURIComponent)}>` : url;
}

/** The source document's format for a finished video; for anything else the status, what happened and what to do. */
export function renderReport(report: Report): string {
  const closing = [report.message, report.next_step].filter((sentence) => sentence !== undefined);
  if (report.status === 'done') {
    const heading = [
      '**Generated Video:**',
      ...(report.video?.url === undefined ? [] : [`[Download Video](${link(report.video.url)})`]),
    ];
    return [...heading, ['**Generation Info:**', ...facts(report)].join('\n'), ...closing].join('\n\n');
  }
  const items = facts(report);
  return [
    `**Video Task:** ${report.status}`,
    ...closing,
    ...(items.length === 0 ? [] : [['**Task Info:**', ...items].join('\n')]),
  ].join('\n\n');
}

function facts(report: Report): string[] {
  const { video, cost, provider, error } = report;
  const duration = video?.duration_seconds ?? report.duration;
  const fps = video?.fps ?? report.fps;
  return items([
    ['Prompt', report.prompt === undefined ? undefined : escapeMarkdown(report.prompt)],
    ['Duration', duration === undefined ? undefined : `${wholeSeconds(duration)} seconds`],
    ['Mode', report.mode],
    ['FPS', fps === undefined ? undefined : tidy(fps)],
    ['Save Path', video?.path],
    ['Task ID', report.task_id],
    [
      'Size',
      video?.width === undefined ? undefined : `${video.width} × ${video.height}, ${fileSize(video.bytes ?? 0)}`,
    ],
    ['Link Valid Until', report.status === 'done' ? video?.url_valid_until : undefined],
    ['Cost', cost === undefined ? undefined : costText(cost, report.sandbox)],
    ['Submitted', report.submitted_at],
    ['Finished', report.finished_at],
    ['Elapsed', report.elapsed_seconds === undefined ? undefined : `${Math.round(report.elapsed_seconds)} seconds`],
    ['Collect Before', report.collect_before],
    ['Provider Task ID', provider?.task_id],
    ['Req Key', provider?.req_key],
    ['Request ID', provider?.request_id],
    ['Error Code', error?.code],
    ['Provider Code', error?.provider_code === error?.code ? undefined : error?.provider_code],
    ['Who Mends It', error === undefined ? undefined : mender(error, cost?.charge)],
    ['Sandbox', report.sandbox ? 'yes, no real video' : undefined],
  ]);
}

function items(pairs: readonly (readonly [string, string | undefined])[]): string[] {
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`]));
}

function fileSize(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function costText({ estimated_cny, billed_seconds, charge }: NonNullable<Report['cost']>, sandbox = false): string {
  if (charge === 'none') {
    return estimated_cny === undefined
      ? 'nothing was charged'
      : `nothing was charged (estimate ¥${estimated_cny.toFixed(2)})`;
  }
  const price = estimated_cny === undefined ? 'unknown' : `¥${estimated_cny.toFixed(2)}`;
  const billed = billed_seconds === undefined ? '' : ` for ${billed_seconds} s`;
  if (sandbox) return `${price}${billed}, if it were real`;
  return charge === 'made' ? `${price}${billed}` : `${price}${billed}, possible: charged only for a finished video`;
}

const WHO = {
  you: 'the caller, by another request',
  operator: 'whoever set this server up',
  provider: 'the provider',
  unknown: 'not known',
} as const;

/** Where money may have been spent, trying again is for the user to decide: next_step says so. */
function mender({ who, retryable }: NonNullable<Report['error']>, charge: string | undefined): string {
  return `${WHO[who]}${retryable && charge === 'none' ? '; it can be tried again then' : ''}`;
}

/** In a list the sums stand below, and whether they are real. */
function shortCost({ estimated_cny, charge }: NonNullable<Report['cost']>): string {
  if (charge === 'none') return 'nothing charged';
  const price = estimated_cny === undefined ? 'cost unknown' : `¥${estimated_cny.toFixed(2)}`;
  return charge === 'made' ? price : `${price} possible`;
}

/** One line for a task, and one each for what a reader needs next: why it went wrong, and a link where no file is. */
function renderListed(task: Report): string {
  const { mode, duration, cost, video, error } = task;
  const facts = [
    mode,
    duration === undefined ? undefined : `${duration} s`,
    cost && shortCost(cost),
    task.submitted_at && `submitted ${task.submitted_at}`,
    video?.path,
    error && `error ${error.code}`,
  ].filter(Boolean);
  const prompt = task.prompt === undefined ? '' : `: ${escapeMarkdown(task.prompt)}`;
  const url = task.status === 'done' && video?.path === undefined ? video?.url : undefined;
  return [
    `- ${task.task_id} **${task.status}** (${facts.join(', ')})${prompt}`,
    ...(error === undefined ? [] : [`  ${error.message}`]),
    ...(url === undefined ? [] : [`  [Download Video](${link(url)})`]),
  ].join('\n');
}

export function renderList(report: ListReport): string {
  const lines = report.tasks.map(renderListed);
  const { spent } = report;
  const money =
    spent === undefined
      ? []
      : [
          `**Spent:** ¥${spent.last_24h_cny.toFixed(2)} in the last 24 hours, ¥${spent.all_time_cny.toFixed(2)} in all, ¥${spent.possible_cny.toFixed(2)} still possible.`,
        ];
  return ['**Video Tasks:**', ...(lines.length === 0 ? [] : [lines.join('\n')]), ...money, report.message].join('\n\n');
}
