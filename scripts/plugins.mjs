/**
 * The plugins that bring the server and the skill together, for Claude Code, Codex, Cursor and Gemini CLI. Formats, looked up
 * in November 2026: code.claude.com/docs/en/plugins/manifest-reference and marketplace-reference, plugin-json-spec.md of
 * openai/codex, schemas/plugin.schema.json of cursor/plugins, docs/extensions/reference.md of google-gemini/gemini-cli.
 */

/** The skill's folder, and the name under which people install. */
const PLUGIN = 'jimeng-video';
const SKILLS = './skills/';

/** What a plugin hands on from the client's own environment, where the user has set it. */
const OPTIONAL = [
  'JIMENG_VIDEO_API_URL',
  'JIMENG_VIDEO_OUTPUT_DIR',
  'JIMENG_VIDEO_DAILY_BUDGET_CNY',
  'JIMENG_VIDEO_CONFIRM_ABOVE_CNY',
];

const PROMPTS = [
  'Make a 5-second video of a paper boat on a pond at dawn.',
  'Make this photo move: a slow push in.',
  'Plan a film of three shots, and tell me the price.',
];

const mapped = (names, value) => Object.fromEntries(names.map((name) => [name, value(name)]));

/** @returns `[path, content]` of each file */
export function pluginFiles(packageJson, title, longDescription, { SETTINGS, CLIENT_LIMITS, KEYS }) {
  const { name, version, description, keywords, license, homepage, repository } = packageJson;
  const author = { name: packageJson.author };
  const source = repository.url.replace(/^git\+|\.git$/g, '');
  const launch = { command: 'npx', args: ['-y', `${name}@${version}`] };
  const keys = Object.keys(KEYS);
  const formOf = (key) => Object.values(SETTINGS).find((setting) => setting.name === key).form;
  const facts = { name: PLUGIN, version, description, author, homepage, repository: source, license, keywords };
  const [introduction] = longDescription.split('\n');
  const waiting = ({ waitSeconds }) => ({ JIMENG_VIDEO_WAIT_SECONDS: String(waitSeconds) });

  const claude = {
    ...facts,
    mcpServers: {
      [name]: {
        ...launch,
        env: {
          ...mapped(keys, (key) => `\${user_config.${formOf(key).id}}`),
          ...mapped(OPTIONAL, (variable) => `\${${variable}:-}`),
        },
      },
    },
    // Required, because Claude Code asks for nothing else, and does not start a server one of whose values is not set.
    userConfig: Object.fromEntries(
      keys.map((key) => {
        const { id, type, title: label, description: help } = formOf(key);
        return [id, { type, title: label, description: help[0], sensitive: true, required: true }];
      }),
    ),
  };
  const claudeMarketplace = {
    name,
    description,
    owner: author,
    plugins: [{ ...facts, source: './', category: 'media' }],
  };
  const codex = {
    ...facts,
    skills: SKILLS,
    mcpServers: {
      [name]: {
        ...launch,
        env: waiting(CLIENT_LIMITS.codex),
        env_vars: [...keys, ...OPTIONAL],
        startup_timeout_sec: CLIENT_LIMITS.codex.startSeconds,
        tool_timeout_sec: CLIENT_LIMITS.codex.toolSeconds,
      },
    },
    interface: {
      displayName: title,
      shortDescription: 'Videos with Jimeng (即梦AI) Video 3.0',
      longDescription: introduction,
      developerName: author.name,
      category: 'Creativity',
      capabilities: ['Read', 'Write'],
      websiteURL: homepage,
      defaultPrompt: PROMPTS,
      logo: './icon.png',
      composerIcon: './icon.png',
    },
  };
  const codexMarketplace = {
    name,
    interface: { displayName: title },
    plugins: [
      {
        name: PLUGIN,
        source: { source: 'url', url: `${source}.git`, ref: `v${version}` },
        policy: { installation: 'AVAILABLE', authentication: 'ON_INSTALL' },
        category: 'Creativity',
      },
    ],
  };
  const cursor = {
    ...facts,
    displayName: title,
    logo: 'icon.png',
    category: 'developer-tools',
    skills: SKILLS,
    mcpServers: './.cursor-plugin/mcp.json',
  };
  const cursorServers = {
    mcpServers: { [name]: { ...launch, env: mapped([...keys, ...OPTIONAL], (variable) => `\${env:${variable}}`) } },
  };
  const gemini = {
    name: PLUGIN,
    version,
    description,
    mcpServers: {
      [name]: { ...launch, env: waiting(CLIENT_LIMITS.gemini), timeout: CLIENT_LIMITS.gemini.toolMilliseconds },
    },
    settings: keys.map((key) => {
      const { title: label, description: help } = formOf(key);
      return { name: label, description: help[0], envVar: key, sensitive: true };
    }),
  };
  return [
    ['.claude-plugin/plugin.json', claude],
    ['.claude-plugin/marketplace.json', claudeMarketplace],
    ['.codex-plugin/plugin.json', codex],
    ['.agents/plugins/marketplace.json', codexMarketplace],
    ['.cursor-plugin/plugin.json', cursor],
    ['.cursor-plugin/mcp.json', cursorServers],
    ['gemini-extension.json', gemini],
  ];
}
