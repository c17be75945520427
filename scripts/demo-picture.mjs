/**
 * Draws docs/demo.svg, the animated conversation at the top of the README, from what the built server really answers in the
 * sandbox: `npm run demo-picture`. Needs Chromium, which paints the photo, and ffmpeg for the frame of the video.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { openBrowser } from '../test/support/gallery-browser.ts';
import { paintScene } from './paint-scenes.mjs';

const FILE = fileURLToPath(new URL('../docs/demo.svg', import.meta.url));
const MAX_BYTES = 300_000;

const [WIDTH, LINE, MARGIN, COLUMNS] = [860, 21, 24, 92];
const FRAME = { width: 300, height: 169 };
/** The whole conversation, then a rest, then again. */
const LOOP_SECONDS = 20;
const REST_SECONDS = 7;

const CALL = { prompt: 'Clouds drift between the peaks, slow push in', image: 'peaks.jpg', max_cost_cny: 2 };

/** @returns its path */
async function paintPhoto(folder) {
  const browser = await openBrowser();
  try {
    const path = join(folder, CALL.image);
    writeFileSync(path, await paintScene(await browser.newPage(), 'peaks'));
    return path;
  } finally {
    await browser.close();
  }
}

async function makeVideo(folder) {
  const image = await paintPhoto(folder);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [fileURLToPath(new URL('../dist/main.js', import.meta.url))],
    env: {
      JIMENG_VIDEO_API_URL: 'sandbox',
      JIMENG_VIDEO_SANDBOX_SECONDS: '0.2',
      JIMENG_VIDEO_POLL_INTERVAL: '0.2',
      JIMENG_VIDEO_STATE_DIR: join(folder, 'state'),
      JIMENG_VIDEO_OUTPUT_DIR: join(folder, 'videos'),
      LOG_LEVEL: 'warn',
    },
  });
  const client = new Client({ name: 'demo-picture', version: '1.0.0' });
  await client.connect(transport);
  try {
    const { structuredContent: report } = await client.callTool({
      name: 'generate_video',
      arguments: { ...CALL, image },
    });
    if (report?.status !== 'done') throw new Error(`the video is ${report?.status}`);
    return report;
  } finally {
    await client.close();
  }
}

function frameOf(video, folder) {
  const picture = join(folder, 'frame.jpg');
  const size = `scale=${FRAME.width * 2}:-2`;
  execFileSync('ffmpeg', ['-v', 'error', '-ss', '2', '-i', video, '-frames:v', '1', '-vf', size, '-q:v', '5', picture]);
  return execFileSync('base64', ['-w0', picture], { encoding: 'utf8' });
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** @returns lines of at most COLUMNS characters */
function wrapped(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1).length + word.length + 1 > COLUMNS) lines.push('');
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines;
}

/** Each step: when it appears, in seconds, and its lines with their class. */
function conversation({ video, cost, task_id: taskId, sandbox }) {
  if (sandbox !== true) throw new Error('the picture is made in the sandbox');
  const fileName = video.path.split(/[\\/]/).at(-1);
  return [
    { at: 0.5, kind: 'you', lines: wrapped('Make this photo move: clouds drifting, a slow push in. At most ¥2.') },
    { at: 2.5, kind: 'call', lines: [`generate_video ${JSON.stringify(CALL)}`].flatMap(wrapped) },
    {
      at: 4.5,
      kind: 'wait',
      lines: ['generating … the agent may stop waiting; the video goes on and is not paid for again'],
    },
    {
      at: 7.5,
      kind: 'result',
      lines: [
        `done · ${video.width} × ${video.height} · ${Math.round(video.duration_seconds)} s · ¥${cost.estimated_cny.toFixed(2)} · ${taskId}`,
        `Save Path: ~/Videos/Jimeng/${fileName}`,
      ].flatMap(wrapped),
    },
    {
      at: 9.5,
      kind: 'agent',
      lines: wrapped('Your video is ready and saved. It cost about ¥1.40. Another shot from its last frame?'),
    },
  ];
}

function svgOf(steps, frame) {
  const marks = { you: '›', call: '⚙', wait: '…', result: '✓', agent: '●' };
  let y = 64;
  const styles = [];
  const groups = steps.map(({ at, kind, lines }, index) => {
    const from = ((at / LOOP_SECONDS) * 100).toFixed(1);
    const end = (((LOOP_SECONDS - 0.4) / LOOP_SECONDS) * 100).toFixed(1);
    styles.push(
      `@keyframes s${index}{0%,${from}%{opacity:0}${(Number(from) + 1.5).toFixed(1)}%,${end}%{opacity:1}100%{opacity:0}}`,
      `.s${index}{animation:s${index} ${LOOP_SECONDS}s linear infinite}`,
    );
    const texts = lines.map((line, number) => {
      const mark = number === 0 ? `<tspan class="mark">${marks[kind]}</tspan>` : '';
      const text = `<text x="${MARGIN}" y="${y}">${mark}</text><text x="${MARGIN + 22}" y="${y}">${escaped(line)}</text>`;
      y += LINE;
      return text;
    });
    let picture = '';
    if (kind === 'result') {
      picture = `<image x="${MARGIN + 22}" y="${y - 8}" width="${FRAME.width}" height="${FRAME.height}" href="data:image/jpeg;base64,${frame}"/>`;
      y += FRAME.height + 8;
    }
    y += 13;
    return `<g class="${kind} s${index}">${texts.join('')}${picture}</g>`;
  });
  const height = y + 4;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="An agent makes a video and reports where it is saved and what it cost">
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d7dde5;white-space:pre}
.you text{fill:#fff;font-weight:600}.call text{fill:#8ab4f8}.wait text{fill:#9aa4b0}.result text{fill:#7fd6a0}.agent text{fill:#fff}.note{fill:#7d8794;font-size:12px}
@media (prefers-reduced-motion:no-preference){
${styles.join('\n')}
}
</style>
<rect width="${WIDTH}" height="${height}" rx="12" fill="#14181d"/>
<circle cx="24" cy="22" r="6" fill="#f2625a"/><circle cx="44" cy="22" r="6" fill="#f5bd4f"/><circle cx="64" cy="22" r="6" fill="#61c554"/>
<text class="note" x="${WIDTH - MARGIN}" y="26" text-anchor="end">made in the sandbox: a drawn picture, nothing charged</text>
${groups.join('\n')}
</svg>
`;
}

const folder = mkdtempSync(join(tmpdir(), 'jimeng-demo-picture-'));
try {
  const report = await makeVideo(folder);
  const steps = conversation(report);
  if (steps.at(-1).at + REST_SECONDS > LOOP_SECONDS) throw new Error('the conversation does not fit the loop');
  const svg = svgOf(steps, frameOf(report.video.path, folder));
  if (Buffer.byteLength(svg) > MAX_BYTES) throw new Error(`the picture has ${Buffer.byteLength(svg)} bytes`);
  writeFileSync(FILE, svg);
  process.stdout.write(`docs/demo.svg: ${Buffer.byteLength(svg)} bytes\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
