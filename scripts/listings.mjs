/** What do catalogues say about this package? The MCP Registry's server.json, and the bundle's Chinese texts. */

const SCHEMA = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json';
/** What the bundle's form calls it → what the Registry calls it. */
const FORMATS = { string: 'string', number: 'number', boolean: 'boolean', directory: 'filepath', file: 'filepath' };

/** The same options that the bundle asks for, under the variables that they are handed on in. */
function environmentVariables({ server, user_config: options }) {
  return Object.entries(server.mcp_config.env).map(([name, value]) => {
    const option = options[value.slice('${user_config.'.length, -1)];
    return {
      name,
      description: option.description,
      isRequired: option.required === true,
      isSecret: option.sensitive === true,
      format: FORMATS[option.type],
      ...(option.default === undefined || option.default === '' ? {} : { default: String(option.default) }),
    };
  });
}

/** The listing that stands in the repository: the npm package alone, because a bundle's hash is known at its release only. */
export function serverJson({ name, mcpName, version, description }, manifest) {
  const npm = { registryType: 'npm', identifier: name, version, runtimeHint: 'npx', transport: { type: 'stdio' } };
  return {
    $schema: SCHEMA,
    name: mcpName,
    title: manifest.display_name,
    description,
    version,
    packages: [{ ...npm, environmentVariables: environmentVariables(manifest) }],
  };
}

/** The listing of a release, whose bundle lies beside it at GitHub: the owner and the repository are those of the name. */
export function withBundle(listing, fileName, fileSha256) {
  const { name, version, packages } = listing;
  const repository = `https://github.com/${name.replace(/^io\.github\./, '')}`;
  const identifier = `${repository}/releases/download/v${version}/${fileName}`;
  const bundle = { registryType: 'mcpb', identifier, version, fileSha256, transport: { type: 'stdio' } };
  return { ...listing, packages: [...packages, bundle] };
}
