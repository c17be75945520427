/** `npm version` raises the version in every file that names it, and writes the change log; a copy of the repository is changed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NEXT = '7.8.9-rc.1';

it('npm version raises it everywhere, and moves what is unreleased under its number', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jimeng-version-'));
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  try {
    // Tests and measurements name no version of the package.
    const isCopied = (path: string) => !/(^|[\\/])(node_modules|\.git|dist|coverage|test|bench)$/.test(path);
    cpSync(ROOT, folder, { recursive: true, filter: isCopied });
    const log = join(folder, 'CHANGELOG.md');
    const unreleased = '## [Unreleased]\n\n### Added\n\n- Something new.\n';
    writeFileSync(log, readFileSync(log, 'utf8').replace('## [Unreleased]\n', unreleased));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    git('init', '-q');
    git('add', '-A');
    const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
    git(...author, 'commit', '-q', '-m', 'Before');
    const env = { ...process.env, GIT_AUTHOR_NAME: 'Test', GIT_AUTHOR_EMAIL: 'test@example.com' };
    execFileSync('npm', ['version', NEXT], {
      cwd: folder,
      env: { ...env, GIT_COMMITTER_NAME: 'Test', GIT_COMMITTER_EMAIL: 'test@example.com' },
      stdio: 'pipe',
    });
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag').trim()).toBe(`v${NEXT}`);
    // The lock names versions of other packages, too.
    const named = (version: string) => {
      const pattern = `jimeng-video-mcp@${version.replaceAll('.', '\\.')}|"version": "${version}"|v${version}"`;
      const { stdout } = spawnSync('git', ['grep', '-lE', pattern], { cwd: folder, encoding: 'utf8' });
      return stdout.split('\n').filter((path) => path !== '' && !path.endsWith('package-lock.json'));
    };
    const before = execFileSync('git', ['show', 'HEAD~1:package.json'], { cwd: folder, encoding: 'utf8' });
    expect(JSON.parse(before).version).toBe(VERSION);
    expect(named(VERSION)).toEqual([]);
    expect(named(NEXT)).toEqual(
      expect.arrayContaining([
        ...['.agents/plugins/marketplace.json', '.claude-plugin/marketplace.json', '.claude-plugin/plugin.json'],
        ...[
          '.codex-plugin/plugin.json',
          '.cursor-plugin/mcp.json',
          '.cursor-plugin/plugin.json',
          'gemini-extension.json',
        ],
        ...['manifest.json', 'package.json', 'server.json', 'skills/jimeng-video/SKILL.md'],
      ]),
    );
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
    expect([lock.version, lock.packages[''].version]).toEqual([NEXT, NEXT]);
    const changes = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    expect(changes).toMatch(new RegExp(`^## \\[Unreleased\\]\\n\\n## \\[${NEXT}\\] - \\d{4}-\\d\\d-\\d\\d\\n`, 'm'));
    const notes = execFileSync(process.execPath, ['scripts/changelog.mjs', '--notes', NEXT], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(notes).toContain('### Added\n');
    expect(notes).not.toContain('## [');
    expect(notes).not.toContain('https://github.com');
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
});
