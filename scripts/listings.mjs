/** What catalogues show of this package: the bundle's form, the MCP Registry's server.json, and the Chinese texts. */

const SCHEMA = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json';
/** The form's types in the bundle → in the Registry. */
const FORMATS = { string: 'string', number: 'number', directory: 'filepath' };

/** The settings that a form asks for, in the table's order. */
function asked(settings) {
  return Object.values(settings).filter(({ form }) => form !== undefined);
}

/** The bundle's form, and the variables in which its answers reach the server. */
export function formOptions(settings) {
  const env = asked(settings).map(({ name, form }) => [name, `\${user_config.${form.id}}`]);
  const userConfig = asked(settings).map(({ form, secret, limits }) => [
    form.id,
    {
      type: form.type,
      title: form.title,
      description: form.description[0],
      ...(secret ? { sensitive: true } : {}),
      ...(form.default === undefined ? {} : { default: form.default }),
      ...(limits === undefined ? {} : { min: limits.min, max: limits.max }),
      required: false,
    },
  ]);
  return { env: Object.fromEntries(env), userConfig: Object.fromEntries(userConfig) };
}

/** A line for each option, under its English title: the form itself cannot be translated. */
export function chineseOptions(settings) {
  return asked(settings).map(({ form }) => `- ${form.title}：${form.description[1]}`);
}

/** The same options under their variables, as the Registry lists them. */
function environmentVariables(settings) {
  return asked(settings).map(({ name, form, secret }) => ({
    name,
    description: form.description[0],
    isRequired: false,
    isSecret: secret === true,
    format: FORMATS[form.type],
    ...(form.default === undefined || form.default === '' ? {} : { default: String(form.default) }),
  }));
}

/** The listing in the repository: the npm package alone, because a bundle's hash is known at its release only. */
export function serverJson({ name, mcpName, version, description, homepage, repository }, title, settings) {
  const npm = { registryType: 'npm', identifier: name, version, runtimeHint: 'npx', transport: { type: 'stdio' } };
  return {
    $schema: SCHEMA,
    name: mcpName,
    title,
    description,
    version,
    websiteUrl: homepage,
    repository: { url: repository.url.replace(/^git\+|\.git$/g, ''), source: 'github' },
    packages: [{ ...npm, environmentVariables: environmentVariables(settings) }],
  };
}

/** The listing of a release, whose bundle is beside it at GitHub; owner and repository are those of the name. */
export function withBundle(listing, fileName, fileSha256) {
  const { name, version, packages } = listing;
  const repository = `https://github.com/${name.replace(/^io\.github\./, '')}`;
  const identifier = `${repository}/releases/download/v${version}/${fileName}`;
  const bundle = { registryType: 'mcpb', identifier, version, fileSha256, transport: { type: 'stdio' } };
  return { ...listing, packages: [...packages, bundle] };
}
