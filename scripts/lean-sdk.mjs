// Leaves out of the bundled SDK what this server never does: making its schemas takes a third of the start.
import { readFile } from 'node:fs/promises';

/** Of protocol tasks, which this server does not have, and of what it never asks of its client. */
const NEVER_USED = [
  'CallToolRequestSchema',
  'CallToolResultSchema',
  'CancelTaskRequestSchema',
  'CancelTaskResultSchema',
  'CreateMessageResultSchema',
  'CreateMessageResultWithToolsSchema',
  'CreateTaskResultSchema',
  'ElicitResultSchema',
  'GetTaskPayloadRequestSchema',
  'GetTaskRequestSchema',
  'GetTaskResultSchema',
  'ListRootsResultSchema',
  'ListTasksRequestSchema',
  'ListTasksResultSchema',
  'TaskStatusNotificationSchema',
];

const SDK = /[/\\]sdk[/\\]dist[/\\]esm[/\\]/;
const inSdk = (...files) => new RegExp(`${SDK.source}(?:${files.join('|').replaceAll('/', '[/\\\\]')})\\.js$`);

/** A statement to its end; a schema that nobody uses is made all the same, unless its making is known to do nothing else. */
const MAKING = /^export const (\w+Schema) = (.*?);$(?=\n(?:\S|$))/gms;
const asPure = (text) => text.replace(MAKING, 'export const $1 = /* @__PURE__ */ (() => $2)();');

const TYPES = /^import \{([^}]*)\} from '(?:\.\.?\/)+types\.js';$/m;

/** @throws Error where a file of the SDK is no longer as it was: look then what the start needs */
function withoutNeverUsed(text, path) {
  const [statement, names] = TYPES.exec(text) ?? [];
  if (statement === undefined) throw new Error(`${path} imports its schemas in another way now`);
  const [unused, used] = [true, false].map((isUnused) =>
    names.split(',').flatMap((name) => (NEVER_USED.includes(name.trim()) === isUnused ? [name.trim()] : [])),
  );
  const stubs = unused.map((name) => `const ${name} = undefined;`).join('\n');
  return text.replace(statement, `import { ${used.join(', ')} } from '${statement.split("'")[1]}';\n${stubs}`);
}

/** ajv would check what clients answer when they are asked; nobody is asked here. */
const NO_VALIDATOR = 'export class AjvJsonSchemaValidator {}';

export const leanSdk = {
  name: 'lean SDK',
  setup({ onLoad }) {
    const change = (filter, edit) =>
      onLoad({ filter }, async ({ path }) => ({ contents: edit(await readFile(path, 'utf8'), path) }));
    change(inSdk('validation/ajv-provider'), () => NO_VALIDATOR);
    change(inSdk('types'), asPure);
    change(inSdk('server/index', 'shared/protocol', 'experimental/tasks/server'), withoutNeverUsed);
  },
};
