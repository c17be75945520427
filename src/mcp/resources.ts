/** What a client can read without a tool call: the table of modes, and what is known here about a task. */
import { Problem } from '../problems.ts';
import { renderReport } from '../report/render.ts';
import { isTaskId } from '../tasks/record.ts';
import { renderModes } from './mode-table.ts';
import type { ToolService } from './tool-service.ts';

const MIME_TYPE = 'text/markdown';
const MODES_URI = 'jimeng://modes';
const TASK_URI = 'jimeng://tasks/';

/** The protocol's limit of values in a completion. */
const MAX_COMPLETIONS = 100;

/** As resources/list shows them. Tasks are not listed: a list must touch no disk, and there can be thousands. */
export const RESOURCES = [
  {
    uri: MODES_URI,
    name: 'modes',
    title: 'Modes, prices and camera templates',
    description: 'The eight modes of Jimeng Video 3.0: inputs, lengths, ratios and prices; the camera templates.',
    mimeType: MIME_TYPE,
  },
] as const;

/** As resources/templates/list shows them. */
export const RESOURCE_TEMPLATES = [
  {
    uriTemplate: `${TASK_URI}{task_id}`,
    name: 'task',
    title: 'A video task',
    description: 'What this computer knows about a task, without asking the provider: free and immediate.',
    mimeType: MIME_TYPE,
  },
] as const;

export interface ReadResource {
  readonly uri: string;
  readonly mimeType: string;
  readonly text: string;
}

/**
 * Reads records and writes nothing; the provider is not asked, and nothing that was left open is resumed.
 * @returns undefined when there is no such resource
 * @throws Problem missing_credentials or invalid_settings (whose tasks are meant is not known), state_not_writable
 */
export async function readResource(uri: string, service: ToolService): Promise<ReadResource | undefined> {
  if (uri === MODES_URI) return { uri, mimeType: MIME_TYPE, text: renderModes() };
  const id = taskIdOf(uri);
  const report = id === undefined ? undefined : await service.read(id);
  return report === undefined ? undefined : { uri, mimeType: MIME_TYPE, text: renderReport(report) };
}

/** Ours, or the provider's; undefined for anything else. */
function taskIdOf(uri: string): string | undefined {
  if (!uri.startsWith(TASK_URI)) return undefined;
  const id = uri.slice(TASK_URI.length);
  return isTaskId(id) || /^\d{10,24}$/.test(id) ? id : undefined;
}

/** @returns our ids with this beginning, newest first; none without keys, since a completion cannot explain that */
export async function completeTaskId(prefix: string, service: ToolService): Promise<string[]> {
  try {
    return [...(await service.taskIds(prefix, MAX_COMPLETIONS))];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}
