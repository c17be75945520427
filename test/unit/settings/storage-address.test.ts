/** JIMENG_VIDEO_STORAGE: what is read from it, and what is said of a wrong one. */
import { describe, expect, test } from 'vitest';
import { readSettings, valueShown } from '../../../src/settings.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a-very-secret-key' };
const read = (storage: string, keys: Record<string, string> = KEYS) =>
  readSettings({
    environment: { JIMENG_VIDEO_API_URL: 'sandbox', JIMENG_VIDEO_STORAGE: storage, ...keys },
    homeDir: '/home/you',
    workingDir: '/work',
    platform: 'linux',
  });

describe('JIMENG_VIDEO_STORAGE', () => {
  test('is a bucket, a prefix and how it is reached', () => {
    const { settings, problems } = read(
      's3://my-videos/team/a%20b/?endpoint=https://tos-s3-cn-beijing.volces.com&region=cn-beijing',
    );
    expect(problems).toEqual([]);
    expect(settings.storage).toEqual({
      bucket: 'my-videos',
      prefix: 'team/a b',
      endpoint: new URL('https://tos-s3-cn-beijing.volces.com'),
      region: 'cn-beijing',
      pathStyle: false,
    });
    expect(settings.storageKeys).toEqual({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-very-secret-key' });
    expect(read('s3://my-videos?endpoint=http://127.0.0.1:9000&path_style=true').settings.storage).toMatchObject({
      prefix: '',
      region: 'us-east-1',
      pathStyle: true,
    });
  });

  test('is shown with its place and without its keys', () => {
    const shown = valueShown('storage', read('s3://my-videos/team?region=eu-west-1'));
    expect(shown).toBe('s3://my-videos/team at AWS, region eu-west-1, virtual-hosted style');
  });

  test.each([
    ['https://bucket.example', 'begins with s3://'],
    ['s3://AKID:secret-in-address@videos?region=x', 'must not hold keys'],
    ['s3://v?region=x', 'needs the name of a bucket'],
    ['s3://my_videos?region=x', 'needs the name of a bucket'],
    ['s3://videos', 'needs region=…'],
    ['s3://videos?region=x&pathstyle=true', 'did you mean path_style?'],
    ['s3://videos?endpoint=s3.example.com', 'has an endpoint that is no'],
    ['s3://videos?endpoint=https://a:secret-in-address@s3.example.com', 'has an endpoint that is no'],
    ['s3://videos?region=x&path_style=yes', 'neither true nor false'],
    ['s3://videos/%00?region=x', 'has a prefix that cannot be used'],
  ])('%s is refused, with the right form and without a secret', (storage, reason) => {
    const { problems, settings } = read(storage);
    const [problem, ...others] = problems;
    expect(others).toEqual([]);
    expect(problem?.message).toContain(reason);
    expect(problem?.message).toContain('s3://bucket/prefix?endpoint=https://s3.example.com&region=us-east-1');
    expect(problem?.message).not.toContain('secret-in-address');
    expect(problem?.needs).toEqual(['paid', 'check', 'save', 'serve']);
    expect(settings.storage).toBeUndefined();
  });

  test('needs both keys, and names those that are missing', () => {
    const { problems } = read('s3://videos?region=x', { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE' });
    expect(problems.map(({ message }) => message)).toEqual([
      'JIMENG_VIDEO_STORAGE needs the keys of the storage: set AWS_SECRET_ACCESS_KEY.',
    ]);
  });

  test('without it the keys of other programs are not looked at', () => {
    const { problems, settings } = readSettings({
      environment: { JIMENG_VIDEO_API_URL: 'sandbox', AWS_ACCESS_KEY_ID: 'a b' },
      homeDir: '/home/you',
      workingDir: '/work',
      platform: 'linux',
    });
    expect([problems, settings.storageKeys]).toEqual([[], undefined]);
  });
});
