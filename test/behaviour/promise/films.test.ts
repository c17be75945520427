/** No film is lost, halved or paid for twice when its process is killed or suspended: each moment once; `npm run promise` has 25. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FILM_ZEROS, planFilmKills, runFilmMatrix } from '../../../bench/promise/film-matrix.ts';
import { FILM_ANCHORS, type FilmMoment } from '../../../bench/promise/moments.ts';
import { hasNoFfmpeg, needsFfmpeg } from '../../support/clips.ts';
import { buildPrograms } from './trial.ts';

describe.skipIf(hasNoFfmpeg)(`a film${needsFfmpeg}`, () => {
  let programs: Awaited<ReturnType<typeof buildPrograms>>;
  beforeAll(async () => {
    programs = await buildPrograms();
  });
  afterAll(() => programs.remove());

  test('whose process is killed or suspended at any point ends whole, or waits for a true reason', async () => {
    const kills = planFilmKills(Object.keys(FILM_ANCHORS) as FilmMoment[], 1);
    const outcomes = await runFilmMatrix(programs, kills, 6);
    expect(outcomes).toHaveLength(kills.length);
    expect(outcomes.filter((outcome) => FILM_ZEROS.some((name) => outcome[name] !== 0))).toEqual([]);
  });
});
