/** Queries per video and detection lag, compared with one query every 5 s. Simulated clock. */
import { printTable } from './measure.mjs';
import { importSource } from './server-under-test.mjs';

const { DEFAULT_POLL_SECONDS, learnedPause, usualTimeOf } = await importSource('src/tasks/poll-timing.ts');

const VIDEOS = 4000;
const SHORTEST = 40;
const LONGEST = 600;
const MEDIANS = [75, 120, 200];
/** Logarithmic spread → the share of the fixed pace's queries that is the target. */
const TARGET = new Map([
  [0.25, 0.6],
  [0.4, 0.75],
  [0.6, 0.9],
]);
/** What is learned is a sample: each row is the mean of this many samples, with the worst. */
const SAMPLES = 5;
const NOTHING_LEARNED = { delaySeconds: () => DEFAULT_POLL_SECONDS };
const FIXED = { delaySeconds: () => 5 };

/** mulberry32: the same times in every run. */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(20261122);

function drawTime(median, spread) {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(spread * normal);
}

/** Drawn again until it lies within; `held` puts it onto the bound instead. */
function cutTime(median, spread, held = false) {
  for (;;) {
    const seconds = drawTime(median, spread);
    if (held) return Math.min(LONGEST, Math.max(SHORTEST, seconds));
    if (seconds >= SHORTEST && seconds <= LONGEST) return seconds;
  }
}

const times = (count, draw) => Array.from({ length: count }, draw);

/** As a watch does: a pause, a query, until the answer is "done". What it learns is between which queries that was. */
function poll(schedule, finishedAt) {
  let queries = 0;
  let from = 0;
  for (let age = 0; ; from = age) {
    age += schedule.delaySeconds(age, random());
    queries++;
    if (age >= finishedAt) return { queries, lag: age - finishedAt, span: { fromSeconds: from, toSeconds: age } };
  }
}

function pollAll(schedule, finished) {
  let queries = 0;
  let lag = 0;
  let worstLag = 0;
  for (const at of finished) {
    const measured = poll(schedule, at);
    queries += measured.queries;
    lag += measured.lag;
    worstLag = Math.max(worstLag, measured.lag);
  }
  return { queries: queries / finished.length, lag: lag / finished.length, worstLag };
}

/** @param spans oldest first, in seconds */
const scheduleOf = (spans) => {
  const newestFirst = spans.map(({ fromSeconds, toSeconds }) => [fromSeconds * 1000, toSeconds * 1000]).toReversed();
  const usual = usualTimeOf(newestFirst);
  if (usual === undefined) return NOTHING_LEARNED;
  return { delaySeconds: (age, chance) => learnedPause(usual, age, chance) };
};
const exactly = (finished) => finished.map((at) => ({ fromSeconds: at, toSeconds: at }));

/** From nothing, each video watched by what the ones before it taught: the times carry the polling's own lag. */
function learnByPolling(spans, finished) {
  const learned = [...spans];
  const measured = [];
  let schedule = scheduleOf(learned);
  finished.forEach((at, index) => {
    measured.push(poll(schedule, at));
    learned.push(measured.at(-1).span);
    // As often as the product recomputes it.
    if (learned.length < 20 || index % Math.ceil(learned.length / 20) === 0) schedule = scheduleOf(learned);
  });
  return { learned, measured };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share) => `${(share * 100).toFixed(1)} %`;

/** @returns the share of the fixed pace's queries, and the mean lags, of every sample */
function compare(median, spread, learn, held) {
  const rows = times(SAMPLES, () => {
    const finished = times(VIDEOS, () => cutTime(median, spread, held));
    const fixed = pollAll(FIXED, finished);
    const ours = pollAll(scheduleOf(learn()), finished);
    return { ours, fixed, share: ours.queries / fixed.queries };
  });
  return {
    queries: mean(rows.map(({ ours }) => ours.queries)),
    fixedQueries: mean(rows.map(({ fixed }) => fixed.queries)),
    share: mean(rows.map(({ share }) => share)),
    worstShare: Math.max(...rows.map(({ share }) => share)),
    lag: mean(rows.map(({ ours }) => ours.lag)),
    fixedLag: mean(rows.map(({ fixed }) => fixed.lag)),
    worstLag: Math.max(...rows.map(({ ours }) => ours.lag)),
  };
}

const shareAndLag = ({ share, lag }) => `${percent(share)}, ${lag.toFixed(2)} s`;

function measureTargets() {
  const rows = [];
  for (const [spread, target] of TARGET) {
    for (const median of MEDIANS) {
      const learn = (count) => () => exactly(times(count, () => cutTime(median, spread)));
      const measured = compare(median, spread, learn(200));
      const held = compare(median, spread, () => exactly(times(200, () => cutTime(median, spread, true))), true);
      const inLife = compare(
        median,
        spread,
        () =>
          learnByPolling(
            [],
            times(200, () => cutTime(median, spread)),
          ).learned,
      );
      const isMet = measured.share <= target && measured.lag <= measured.fixedLag;
      const isMetInLife = inLife.share <= target && inLife.lag <= inLife.fixedLag;
      if (!isMet || !isMetInLife) process.exitCode = 1;
      rows.push([
        spread,
        `${median} s`,
        measured.fixedQueries.toFixed(1),
        measured.queries.toFixed(1),
        `${percent(measured.share)} (worst ${percent(measured.worstShare)})`,
        percent(target),
        `${measured.lag.toFixed(2)} s (worst ${measured.worstLag.toFixed(2)})`,
        `${measured.fixedLag.toFixed(2)} s`,
        shareAndLag(inLife),
        shareAndLag(held),
        isMet && isMetInLife ? 'met' : '**not met**',
      ]);
    }
  }
  printTable(
    [
      ...['Spread σ', 'Median', 'Queries a video, every 5 s', 'learned', 'Share', 'Target', 'Mean lag', 'every 5 s'],
      ...['Learned by polling', 'Clamped to the bounds, not redrawn', ''],
    ],
    rows,
  );
}

function measureFewTimes() {
  const counts = [0, 4, 5, 10, 20, 50, 100];
  const rows = [];
  for (const spread of TARGET.keys()) {
    for (const median of MEDIANS) {
      const cells = counts.map((count) => {
        const measured = compare(median, spread, () => exactly(times(count, () => cutTime(median, spread))));
        // Below what a schedule is made of it is the fixed pace itself, query for query.
        if (count < 5 && (measured.share !== 1 || measured.lag !== measured.fixedLag)) process.exitCode = 1;
        return shareAndLag(measured);
      });
      rows.push([spread, `${median} s`, ...cells]);
    }
  }
  printTable(['Spread σ', 'Median', ...counts.map((count) => `${count} learned`)], rows);
}

/** The provider's times are multiplied all of a sudden, after 200 videos. */
function measureChange() {
  const rows = [];
  for (const spread of TARGET.keys()) {
    for (const median of MEDIANS) {
      const known = exactly(times(200, () => cutTime(median, spread)));
      const cells = [2, 0.5].flatMap((factor) => {
        const after = times(100 * SAMPLES, () => cutTime(median, spread) * factor);
        const runs = times(
          SAMPLES,
          (_, run) => learnByPolling(known, after.slice(run * 100, run * 100 + 100)).measured,
        );
        return [
          [0, 20],
          [50, 100],
        ].map(([from, to]) => {
          const measured = runs.flatMap((run) => run.slice(from, to));
          const fixed = pollAll(
            FIXED,
            runs.flatMap((_, run) => after.slice(run * 100 + from, run * 100 + to)),
          );
          const share = mean(measured.map(({ queries }) => queries)) / fixed.queries;
          const worst = Math.max(...measured.map(({ lag }) => lag));
          if (worst > 30) process.exitCode = 1;
          return `${percent(share)}, ${mean(measured.map(({ lag }) => lag)).toFixed(1)} s (worst ${worst.toFixed(0)})`;
        });
      });
      rows.push([spread, `${median} s`, ...cells]);
    }
  }
  printTable(
    ['Spread σ', 'Median', '2 × as long: first 20', 'videos 51 to 100', 'Half as long: first 20', 'videos 51 to 100'],
    rows,
  );
}

const isSame = times(200, (_, step) => NOTHING_LEARNED.delaySeconds(step * 5, random())).every((delay) => delay === 5);
if (!isSame) process.exitCode = 1;
process.stdout.write(
  `${VIDEOS} videos a row, after 200 learned; their times log-normal, cut to ${SHORTEST} to ${LONGEST} s. Nothing learned: ${isSame ? 'every 5 s, as the fixed pace' : '**not the fixed pace**'}. Mean of ${SAMPLES} samples of what is learned.\n\n`,
);
measureTargets();
process.stdout.write('\nFewer learned: share of the fixed pace’s queries, mean lag.\n\n');
measureFewTimes();
process.stdout.write('\nA provider that changes its speed: share of the fixed pace’s queries, mean and worst lag.\n\n');
measureChange();
