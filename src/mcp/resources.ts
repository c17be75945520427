/** What can a client read without a tool call? The table of modes, and what is known here of a task. */
import type { ServiceHolder } from '../open-service.ts';
import { Problem } from '../problems.ts';
import { isTaskId } from '../tasks/record.ts';
import { renderModes } from './resources-modes.ts';
import { tellTask } from './tools/answer.ts';

const MIME_TYPE = 'text/markdown';
const MODES_URI = 'jimeng://modes';
const TASK_URI = 'jimeng://tasks/';

/** A completion has at most so many values in the protocol. */
const MAX_COMPLETIONS = 100;

/** As resources/list shows them. Tasks are not among them: a list must touch no disk, and there can be thousands. */
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
    description: 'What is known on this computer of a task, without asking the provider: free, and at once.',
    mimeType: MIME_TYPE,
  },
] as const;

export interface ReadResource {
  readonly uri: string;
  readonly mimeType: string;
  readonly text: string;
}

/**
 * Reads records and writes nothing; nobody is asked, and nothing that was left open is taken up.
 * @returns undefined when there is no such resource
 * @throws Problem missing_credentials or invalid_settings (whose tasks are meant is not known), state_not_writable
 */
export async function readResource(uri: string, holder: ServiceHolder): Promise<ReadResource | undefined> {
  if (uri === MODES_URI) return { uri, mimeType: MIME_TYPE, text: renderModes() };
  const id = taskIdOf(uri);
  if (id === undefined) return undefined;
  const service = await holder.service('read');
  const { journal } = service.context;
  const record = (await journal.read(id)) ?? (await journal.findByProviderId(id));
  if (record === undefined) return undefined;
  return { uri, mimeType: MIME_TYPE, text: (await tellTask(service, record)).text };
}

/** Ours, or the provider's; undefined for anything else. */
function taskIdOf(uri: string): string | undefined {
  if (!uri.startsWith(TASK_URI)) return undefined;
  const id = uri.slice(TASK_URI.length);
  return isTaskId(id) || /^\d{10,24}$/.test(id) ? id : undefined;
}

/** @returns our ids that begin so, newest first; none without keys: a completion has no words for it */
export async function completeTaskId(prefix: string, holder: ServiceHolder): Promise<string[]> {
  try {
    const { journal } = (await holder.service('read')).context;
    const open = await journal.openIds();
    const closed = await journal.closedEntries();
    const ids = new Set([...open, ...closed.map(({ id }) => id)].filter((id) => id.startsWith(prefix)));
    return [...ids].sort().reverse().slice(0, MAX_COMPLETIONS);
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}
