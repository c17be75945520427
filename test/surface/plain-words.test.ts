/** What people ask for in plain words leads to a valid call from the listing alone; a call from a wrong idea is refused with the right one. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CAMERA_TEMPLATE_IDS, MODE_NAMES, priceCny } from '../../src/jimeng/modes.ts';
import { parseArguments } from '../../src/mcp/call-tool.ts';
import { INSTRUCTIONS } from '../../src/mcp/listing.ts';
import { TOOLS } from '../../src/mcp/tools.ts';
import { settleRequest, type VideoInput } from '../../src/tasks/video-request.ts';
import { REQUESTS, WRONG_IDEAS } from './plain-words.ts';

interface Listed {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Parameters<typeof z.fromJSONSchema>[0];
}

/** What a client is shown; tools.test.ts compares it with the running server. */
const listed: readonly Listed[] = JSON.parse(readFileSync(new URL('./tools.json', import.meta.url), 'utf8'));
const listingOf = (name: string) => listed.find((tool) => tool.name === name) ?? expect.fail(name);

describe.each(REQUESTS)('“$say”', ({ tool, given, makes, because = [] }) => {
  it(`is ${tool} with ${JSON.stringify(given)}`, () => {
    const { description, inputSchema } = listingOf(tool);
    expect(z.fromJSONSchema(inputSchema).safeParse(given).error, 'the schema that is shown').toBeUndefined();
    const own = parseArguments(TOOLS.find(({ name }) => name === tool) ?? expect.fail(), given);
    if (makes !== undefined) {
      const { mode, generatedSeconds } = settleRequest(own as VideoInput);
      expect([mode, priceCny(mode, generatedSeconds)]).toEqual(makes);
    }
    const read = `${description} ${JSON.stringify(inputSchema).replaceAll('\\"', '"')}`;
    for (const words of because) expect(read).toContain(words);
  });
});

describe.each(WRONG_IDEAS)('generate_video with $given', ({ given, hint, right, tool = 'generate_video' }) => {
  it('is refused before paying, with the words that lead on and the right call', () => {
    const generate = TOOLS[0] ?? expect.fail();
    let message = 'accepted';
    try {
      parseArguments(generate, given);
    } catch (error) {
      ({ message } = error as Error);
    }
    expect(message).toContain(hint);
    const call = /The right call: (\w+) with (\{.*\})\.$/.exec(message);
    // Where something else is wrong, or a name is not understood, no call is offered.
    if (Object.keys(right).length === 0) return expect(call).toBeNull();
    expect([call?.[1], JSON.parse(call?.[2] ?? '0')]).toEqual([tool, right]);
    expect(parseArguments(generate, right)).toEqual(right);
  });
});

describe('the list of requests', () => {
  const used = (name: string) =>
    new Set(REQUESTS.map(({ given }) => given[name]).filter((value) => value !== undefined));

  it('is 30 at least, half of them in Chinese, none twice', () => {
    const chinese = REQUESTS.filter(({ say }) => /\p{Script=Han}/u.test(say)).length;
    expect(new Set(REQUESTS.map(({ say }) => say)).size).toBe(REQUESTS.length);
    expect(chinese).toBeGreaterThanOrEqual(15);
    expect(REQUESTS.length - chinese).toBeGreaterThanOrEqual(15);
  });

  it('has every tool, and every input of each somewhere', () => {
    expect(new Set(REQUESTS.map(({ tool }) => tool))).toEqual(new Set(listed.map(({ name }) => name)));
    const inputs = listed.flatMap(({ inputSchema }) => Object.keys((inputSchema as { properties: object }).properties));
    expect([...new Set(inputs)].filter((name) => used(name).size === 0)).toEqual([]);
  });

  it('leads to every mode', () => {
    const made = new Set(REQUESTS.map(({ makes }) => makes?.[0]));
    expect(MODE_NAMES.filter((mode) => !made.has(mode))).toEqual([]);
  });
});

describe('the listing', () => {
  it('describes every input', () => {
    for (const { name, inputSchema } of listed) {
      const { properties } = inputSchema as { properties: Record<string, { description?: string }> };
      for (const [input, { description = '' }] of Object.entries(properties)) {
        expect(description.length, `${name}.${input}`).toBeGreaterThan(10);
      }
    }
  });

  it('promises nothing that is refused', () => {
    const generate = TOOLS[0]?.input ?? expect.fail();
    const image = 'https://example.com/a.png';
    const refused: readonly object[] = [
      // Each is what a model guessed from, or could have guessed without, the words above.
      { prompt: 'x', image, aspect_ratio: '9:16' },
      { prompt: 'x', mode: 'ti2v_pro', image, tail_image: image },
      { prompt: 'x', template_id: CAMERA_TEMPLATE_IDS[0] },
      { prompt: 'x', mode: 'i2v_first_1080p', image, template_id: CAMERA_TEMPLATE_IDS[0] },
      { prompt: 'x', mode: 't2v_1080p', image },
      { prompt: 'x', tail_image: image },
      { image },
    ];
    for (const given of refused) expect(generate.safeParse(given).success, JSON.stringify(given)).toBe(false);
  });

  it('has the list of tasks waited for again, because a wait can end first', () => {
    expect(INSTRUCTIONS).toContain('wait_for all_finished, again and again, until none is open');
    expect(INSTRUCTIONS).not.toContain('returns once');
  });

  it('names tools, in the instructions, that there are', () => {
    const named = INSTRUCTIONS.match(/\b[a-z]+_video(_tasks?)?\b/g) ?? [];
    expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining([...new Set(named)]));
    expect(named.length).toBeGreaterThan(3);
  });
});
