/** What is wrong with a shot of a film is said with what would be right. */
import { expect, it } from 'vitest';
import { parseArguments } from '../../../src/mcp/call-tool.ts';
import { generateFilm } from '../../../src/mcp/tools/generate-film.ts';

function refusalOf(shot: unknown): string {
  try {
    parseArguments(generateFilm, { shots: [{ prompt: 'x' }, shot] });
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

it('an unknown name is refused with the names that there are', () => {
  expect(refusalOf({ prompt: 'y', continues: true })).toBe(
    '`continues` of shot 2 is not an input; the inputs of a shot are prompt, duration, image, tail_image, seed, template_id, camera_strength, continue.',
  );
});

it('a thousand unknown names are refused in a few sentences', () => {
  const names = Array.from({ length: 1000 }, (_, index) => [`name${index}`, index]);
  expect(refusalOf({ prompt: 'y', ...Object.fromEntries(names) }).length).toBeLessThan(4000);
});

it('what is no object is refused with what it has to be', () => {
  expect(refusalOf('y')).toBe('shot 2 must be a shot: an object with a `prompt`, but is "y".');
});
