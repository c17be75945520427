/**
 * The install buttons and the configuration of each client, from the table that `setup` uses. Formats of the links, looked
 * up in November 2026: cursor.com/docs/mcp/install-links, the redirect page insiders.vscode.dev as github-mcp-server uses it,
 * Cherry Studio's src/main/services/urlschema/mcp-install.ts, LobeHub's packages/utils (RFC 0001 of lobehub://plugin/install).
 */
import { LANGUAGES } from './docs-words.mjs';

const WORDS = {
  file: ['File', '文件'],
  open: ['Open this link', '打开链接'],
  paste: ['or paste this', '或粘贴以下配置'],
};

const SYSTEMS = {
  two: [
    ['macOS, Linux', 'macos'],
    ['Windows', 'windows'],
  ],
  three: [
    ['macOS', 'macos'],
    ['Windows', 'windows'],
    ['Linux', 'linux'],
  ],
};

const cursorButton = 'https://cursor.com/deeplink/mcp-install-dark.svg';
const vscodeButton = 'https://img.shields.io/badge/VS_Code-Install_Server-0098FF?style=flat-square';

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64');

function cursorLink(name, server) {
  return `https://cursor.com/install-mcp?name=${name}&config=${encodeURIComponent(base64(server))}`;
}

function vscodeLink(name, { inputs, servers }) {
  const [asked, config] = [inputs, servers[name]].map((value) => encodeURIComponent(JSON.stringify(value)));
  return `https://insiders.vscode.dev/redirect/mcp/install?name=${name}&inputs=${asked}&config=${config}`;
}

function cherryStudioLink(config) {
  return `cherrystudio://mcp/install?servers=${encodeURIComponent(base64(config))}`;
}

function lobehubLink({ name, version, description, author }, { command, args, env }) {
  const config = { type: 'stdio', command, args, env };
  const schema = { identifier: name, name, version, description, author, config };
  const encoded = Buffer.from(JSON.stringify(schema)).toString('base64url');
  return `lobehub://plugin/install?type=mcp&id=${name}&schema=${encoded}`;
}

const block = (language, text) => `\`\`\`${language}\n${text}\n\`\`\``;

/** @returns `[name, Markdown]`: the buttons of the README, and a section for each client */
export function clientParts({ CLIENTS, launchOn }, packageJson, language) {
  const { name } = packageJson;
  const pick = (word) => WORDS[word][LANGUAGES.indexOf(language)];
  const colon = language === 'zh' ? '：' : ': ';
  const launch = launchOn('linux', undefined);
  const configOf = (client) => CLIENTS[client].config(launch);
  const plain = JSON.parse(configOf('claude-desktop'));
  const server = plain.mcpServers[name];

  const sections = Object.entries(CLIENTS).map(([id, { title, file, config, command }]) => {
    const systems = file.macos === file.linux ? SYSTEMS.two : SYSTEMS.three;
    const places = systems.map(([label, system]) => `${label} \`${file[system]}\``);
    const toRun = command?.(launch, 'linux');
    return [
      `### ${title}`,
      `\`jimeng-video-mcp setup ${id}\` · ${pick('file')}${colon}${places.join(' · ')}`,
      toRun === undefined ? block(file.macos.endsWith('.toml') ? 'toml' : 'json', config(launch)) : block('sh', toRun),
    ].join('\n\n');
  });
  const withLink = (title, link) =>
    [
      `### ${title}`,
      `${pick('open')}${colon}`,
      block('text', link),
      `${pick('paste')}${colon}`,
      block('json', configOf('claude-desktop')),
    ].join('\n\n');
  return [
    [
      'buttons',
      [
        `[![Cursor](${cursorButton})](${cursorLink(name, server)})`,
        `[![VS Code](${vscodeButton})](${vscodeLink(name, JSON.parse(configOf('vscode')))})`,
      ].join('\n'),
    ],
    [
      'clients',
      [
        ...sections,
        withLink('Cherry Studio', cherryStudioLink(plain)),
        withLink('LobeHub', lobehubLink(packageJson, server)),
      ].join('\n\n'),
    ],
  ];
}
