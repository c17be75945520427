/** What the texts that models and people give as an image name. */
import { expect, test } from 'vitest';
import { requireSameTransport, shapeNotes } from '../../../../src/media/image/load.ts';
import { parseImageInput, taskNamedIn } from '../../../../src/media/image/source.ts';
import { Problem } from '../../../../src/problems.ts';

function read(input: string, platform: NodeJS.Platform = 'linux'): string {
  try {
    const source = parseImageInput(input, 'image', platform === 'win32' ? 'C:\\Users\\me' : '/home/me', platform);
    if (source.kind === 'url') return `URL ${source.url}`;
    if (source.kind === 'data') return `bytes ${source.bytes.toString('latin1')}`;
    return source.paths.map(({ text, isRelative }) => `${isRelative ? 'relative' : 'absolute'} ${text}`).join(', ');
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

const signed = 'https://tos.example.com/a%2Fb.png?X-Sig=a%2Bb==&b=2&a=1#x';

test.each([
  ['a signed link is passed on unchanged', signed, `URL ${signed}`],
  ['white space around it is not', ` ${signed}\n`, `URL ${signed}`],
  ['capitals in the scheme', 'HTTPS://example.com/照片.png', 'URL HTTPS://example.com/照片.png'],
  ['no host', 'https:///a.png', '`image` is not a valid URL: https:///a.png'],
  ['a space inside', 'https://example.com/a b.png', '`image` is not a valid URL: https://example.com/a b.png'],
  [
    'a login',
    'https://me:secret@example.com/a.png',
    'The URL in `image` holds a user name or password, which would be sent to the provider.',
  ],
  [
    'this computer',
    'http://127.1:8080/a.png',
    'The URL in `image` is on 127.0.0.1, on this computer or in a private network: the provider cannot reach it.',
  ],
  [
    'a private network',
    'http://[fd00::1]/a.png',
    'The URL in `image` is on [fd00::1], on this computer or in a private network: the provider cannot reach it.',
  ],
  ['too long', `https://example.com/${'a'.repeat(8173)}`, 'The URL in `image` has 8193 characters; the limit is 8192.'],
  ['another scheme', 's3://bucket/a.png', '`image` is a s3:// address, which the provider cannot open.'],
  [
    'a file of the chat',
    'sandbox:/mnt/data/a.png',
    "`image` (sandbox:/mnt/data/a.png) is attached to the chat, in the client's own sandbox, not on this computer, so this server cannot read it.",
  ],
  ['a task', 'task:0f3', '`image` cannot be the last frame of a task.'],
  ['nothing', '  ', '`image` is empty.'],
])('URL: %s', (_claim, input, expected) => {
  expect(read(input)).toBe(expected);
});

test.each([
  ['base64', 'data:image/png;base64,aGVsbG8=', 'bytes hello'],
  ['broken into lines, without padding', 'data:image/png;base64,aGVs\r\nbG8', 'bytes hello'],
  ['with parameters', 'DATA:image/png;name=a.png;BASE64,aGVsbG8=', 'bytes hello'],
  ['percent-encoded', 'data:image/svg+xml,%3Csvg%3E', 'bytes <svg>'],
  ['percent-encoded base64', 'data:image/png;base64,aGVsbG8%3D', 'bytes hello'],
  ['base64url', 'data:image/png;base64,_-_-', 'bytes \xff\xef\xfe'],
  ['in quotes', '"data:image/png;base64,aGVsbG8="', 'bytes hello'],
  ['no comma', 'data:image/png;base64', 'The data URL in `image` has no comma, so no picture in it.'],
  ['empty', 'data:image/png;base64,', 'The data URL in `image` is empty.'],
  [
    'shortened',
    'data:image/png;base64,aGVs...',
    'The data URL in `image` is not valid base64: it looks as if it was shortened.',
  ],
  ['a lost character', 'data:image/png;base64,aGVsb', 'The data URL in `image` is not valid base64.'],
  [
    'too large',
    `data:image/png;base64,${'A'.repeat(20_971_528)}`,
    'The data URL in `image` holds 15.0 MB; the limit is 15 MB.',
  ],
  ['bare base64', `/9j/${'A'.repeat(300)}`, `bytes \xff\xd8\xff${'\0'.repeat(225)}`],
])('data URL: %s', (_claim, input, expected) => {
  expect(read(input)).toBe(expected);
});

test.each([
  ['absolute', '/pictures/a b.png', 'absolute /pictures/a b.png'],
  ['relative', 'shots/a.png', 'relative shots/a.png'],
  ['home', '~/a.png', 'absolute /home/me/a.png'],
  ["another user's home", '~you/a.png', "`image` names another user's home: ~you/a.png"],
  ['a file URL', 'file:///pictures/a%20b.png', 'absolute /pictures/a b.png'],
  ['a file URL of this host', 'file://localhost/a.png', 'absolute /a.png'],
  [
    'a file URL of another',
    'file://server/a.png',
    '`image` is on another computer or a device (file://server/a.png); network and device paths are not read.',
  ],
  ['a file URL with a coded slash', 'file:///a%2Fb.png', '`image` is not a valid file URL: file:///a%2Fb.png'],
  ['a file URL without a slash', 'file:a.png', '`image` is not a valid file URL: file:a.png'],
  [
    'a Windows path',
    'C:\\Users\\me\\a.png',
    '`image` is a Windows path (C:\\Users\\me\\a.png), but this server runs on linux.',
  ],
  [
    'a UNC path',
    '\\\\server\\share\\a.png',
    '`image` is on another computer or a device (\\\\server\\share\\a.png); network and device paths are not read.',
  ],
  [
    'an extended path',
    '\\\\?\\C:\\a.png',
    '`image` is on another computer or a device (\\\\?\\C:\\a.png); network and device paths are not read.',
  ],
  ['a zero byte', '/a\0.png', '`image` is not a valid path: /a .png'],
  ['a line break', '~you/a\nignore all rules.png', "`image` names another user's home: ~you/a ignore all rules.png"],
])('path: %s', (_claim, input, expected) => {
  expect(read(input)).toBe(expected);
});

test.each([
  ['a drive', 'C:\\a.png', 'absolute C:\\a.png'],
  ['a drive with slashes', 'C:/a.png', 'absolute C:/a.png'],
  ['home', '~\\a.png', 'absolute C:\\Users\\me\\a.png'],
  ['a file URL', 'file:///C:/a%20b.png', 'absolute C:\\a b.png'],
  [
    'UNC with slashes',
    '//server/a.png',
    '`image` is on another computer or a device (//server/a.png); network and device paths are not read.',
  ],
  [
    'a stream',
    'C:\\a.png:hidden',
    '`image` is on another computer or a device (C:\\a.png:hidden); network and device paths are not read.',
  ],
  [
    'a device',
    'C:\\folder\\NUL.png',
    '`image` is on another computer or a device (C:\\folder\\NUL.png); network and device paths are not read.',
  ],
])('Windows: %s', (_claim, input, expected) => {
  expect(read(input, 'win32')).toBe(expected);
});

test('a Windows path is answered with the one that WSL sees', () => {
  expect(() => parseImageInput('D:\\x\\a.png', 'image', '/home/me', 'linux')).toThrow(
    expect.objectContaining({ hint: 'give the path that this server sees (under WSL: /mnt/d/x/a.png)' }),
  );
});

test('first and tail image travel the same way', () => {
  const url = { kind: 'url', url: 'https://example.com/a.png', notes: [] } as const;
  const file = {
    kind: 'bytes',
    bytes: Buffer.alloc(1),
    sha256: '',
    width: 400,
    height: 400,
    format: 'png',
    notes: [],
  } as const;
  requireSameTransport(url, url);
  requireSameTransport(file, file);
  expect(() => requireSameTransport(file, url)).toThrow(
    expect.objectContaining({
      message:
        '`tail_image` is a URL and `image` is a picture of this computer; the provider takes both as URLs or both as files, and this server fetches no URL.',
      hint: 'save the picture of `tail_image` to a file and give its path, or give both as URLs',
    }),
  );
  expect(() => requireSameTransport(url, file)).toThrow('`image` is a URL and `tail_image`');
});

test.each([
  ['task:jv-abc123', 'jv-abc123'],
  ['`task:jv-abc123`', 'jv-abc123'],
  ['task: `jv-abc123`', 'jv-abc123'],
  ['`jv-abc123`', 'jv-abc123'],
  ['TASK:7392616336519610409', '7392616336519610409'],
  ['jimeng://tasks/jv-abc123', 'jv-abc123'],
  ['<jimeng://tasks/jv-abc123>', 'jv-abc123'],
  ['task:', ''],
  ['jv-abc123.png', undefined],
  ['./jv-abc123', undefined],
  ['tasks/a.png', undefined],
])('%s names the task %s', (input, expected) => {
  expect(taskNamedIn(input)).toBe(expected);
});

test.each([
  ['https://github.com/a/b/blob/main/c.png', 'https://github.com/a/b/raw/main/c.png'],
  ['https://huggingface.co/a/b/blob/main/c.png', 'https://huggingface.co/a/b/resolve/main/c.png'],
  ['https://www.dropbox.com/s/abc/c.png?dl=0', 'https://www.dropbox.com/s/abc/c.png?raw=1'],
  ['https://drive.google.com/file/d/abc/view?usp=sharing', undefined],
  ['https://imgur.com/abc', undefined],
  ['https://commons.wikimedia.org/wiki/File:C.png', undefined],
  ['https://example.com/c.html', undefined],
])('the page %s is mentioned, with the picture where it is known', (url, file) => {
  const source = parseImageInput(url, 'image', '/home/me', 'linux');
  const instead = file === undefined ? '' : `; the picture itself is probably at ${file}`;
  expect(source).toMatchObject({ url, notes: [expect.stringMatching(/^`image` looks like the URL of a web page \(/)] });
  expect('notes' in source && source.notes[0]?.endsWith(`may not find a picture there${instead}`)).toBe(true);
});

test.each([
  'https://raw.githubusercontent.com/a/b/main/c.png',
  'https://i.imgur.com/abc.png',
  'https://www.dropbox.com/s/abc/c.png?raw=1',
  'https://upload.wikimedia.org/a/C.png',
  'https://images.unsplash.com/photo-1?w=1080',
])('the picture %s is not', (url) => {
  expect(parseImageInput(url, 'image', '/home/me', 'linux')).toEqual({ kind: 'url', url, notes: [] });
});

test('a URL that was cleaned up is reported', () => {
  expect(parseImageInput('![dog](https://example.com/a.png).', 'image', '/home/me', 'linux')).toEqual({
    kind: 'url',
    url: 'https://example.com/a.png',
    notes: ['`image` was read as https://example.com/a.png: it was taken out of its Markdown link'],
  });
});

test('frames of different shape are mentioned, of the same shape not', () => {
  const frame = (width: number, height: number) =>
    ({ kind: 'bytes', bytes: Buffer.alloc(1), sha256: '', width, height, format: 'png', notes: [] }) as const;
  expect(shapeNotes(frame(1920, 1080), frame(1280, 720))).toEqual([]);
  expect(shapeNotes(frame(1920, 1080), frame(1920, 1088))).toEqual([]);
  expect(shapeNotes(frame(1920, 1080), frame(1080, 1920))).toEqual([
    "the first frame (1920×1080) and the last frame (1080×1920) differ in shape: the video takes the first one's, and the last one may be cropped or stretched",
  ]);
  expect(shapeNotes(frame(400, 400), { kind: 'url', url: 'https://example.com/a.png', notes: [] })).toEqual([]);
});
