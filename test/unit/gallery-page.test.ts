/** The gallery's page without a browser: how its list is kept up to date, its address, and the calls that it copies. */
import { describe, expect, it } from 'vitest';
import type { VideoItem } from '../../src/web/api.ts';
import { itemOf } from '../../src/web/items.ts';
import { addressOf, placeOf } from '../../src/web/page/address.ts';
import { withAgain, withNewest } from '../../src/web/page/listing.ts';
import { sampleTask } from '../support/sample-task.ts';

const item = (id: string, changes: Parameters<typeof sampleTask>[0] = {}): VideoItem =>
  itemOf({ task: sampleTask({ id, ...changes }), now: 0, joined: false, isUnwritten: false }, false);
const listing = (ids: string, next?: string) => ({
  items: [...ids].map((id) => item(id)),
  total: undefined,
  next,
  offset: 0,
  isLoading: false,
  error: undefined,
});
const page = (ids: string, next?: string) => ({
  now: 0,
  items: [...ids].map((id) => item(id)),
  ...(next ? { next } : {}),
});
const ids = (items: readonly VideoItem[]) => items.map(({ id }) => id).join('');

describe('the newest page over what was shown', () => {
  it.each([
    ['puts what is new before it', listing('edcba', 'a'), page('gfed', 'd'), 'gfedcba', 'a'],
    ['takes out what matches no longer', listing('edcba', 'a'), page('ec', 'c'), 'ecba', 'a'],
    ['replaces it where more is new than a page holds', listing('cba'), page('zyx', 'x'), 'zyx', 'x'],
    ['replaces it where all that match are in the page', listing('edcba', 'a'), page('e'), 'e', undefined],
    ['is empty where nothing matches any more', listing('ba'), page(''), '', undefined],
  ] as const)('%s', (_what, shown, newest, expected, next) => {
    const after = withNewest(shown, newest);
    expect([ids(after.items), after.next]).toEqual([expected, next]);
  });

  it('those that were asked for again are as they are now, or gone', () => {
    const changed = item('b', { status: 'failed' });
    const after = withAgain(listing('dcba').items, ['b', 'c'], [changed]);
    expect(ids(after)).toBe('dba');
    expect(after[1]?.status).toBe('failed');
  });
});

describe('the address', () => {
  it.each(['/', '/?q=a+b%26c', '/?mode=ti2v_pro&state=failed', '/?q=%E7%8B%97&video=jv-00000000-aaaaa'])(
    'says again what it was read as: %s',
    (address) => {
      expect(addressOf(placeOf(address.slice(1)))).toBe(`.${address}`);
    },
  );

  it('a state that does not exist is none', () => {
    expect(placeOf('?state=constructor&mode=x').state).toBe('');
  });
});

describe('the copied call', () => {
  it('has every input that the record keeps, under the tool’s names', () => {
    const request = {
      mode: 'i2v_recamera_720p',
      prompt: 'p',
      duration: 8,
      fps: 25,
      seed: 0,
      aspectRatio: '9:16',
      templateId: 'crane_push',
      cameraStrength: 'strong',
      image: '/pictures/a.jpg',
      tailImage: 'task:jv-1',
      notes: ['shrunk'],
    };
    expect(item('a', { request }).call).toEqual({
      arguments: {
        prompt: 'p',
        mode: 'i2v_recamera_720p',
        duration: 8,
        fps: 25,
        image: '/pictures/a.jpg',
        tail_image: 'task:jv-1',
        seed: 0,
        aspect_ratio: '9:16',
        template_id: 'crane_push',
        camera_strength: 'strong',
      },
      lacks: [],
    });
  });

  it('names what it lacks: pictures that were given as data', () => {
    const request = { mode: 'i2v_first_720p', image: 'data URL', notes: [] };
    expect(item('a', { request }).call).toEqual({ arguments: { mode: 'i2v_first_720p' }, lacks: ['image'] });
  });
});
