/** The same work with sharp: `node sharp-program.cjs SHARP PICTURE MAX_BYTES`, on "go"; one line of JSON each. */
const { readFileSync } = require('node:fs');

const [, , sharpFolder, picture, maxBytes] = process.argv;
const sharp = require(sharpFolder);

/** The best quality from 95 down to 50 that fits, opaque, upright, as a baseline JPEG; two at most beside the best. */
async function shrink() {
  const input = readFileSync(picture);
  const encode = (quality) => sharp(input).rotate().flatten({ background: '#fff' }).jpeg({ quality }).toBuffer();
  let best = await encode(50);
  let [fits, tooLarge] = [50, 96];
  while (tooLarge - fits > 1) {
    const middle = Math.ceil((fits + tooLarge) / 2);
    const bytes = await encode(middle);
    if (bytes.length <= Number(maxBytes)) [fits, best] = [middle, bytes];
    else tooLarge = middle;
  }
  return { bytes: best.length, quality: fits };
}

const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
process.stdin.once('data', async () => {
  write(await shrink());
  process.stdin.once('data', () => process.exit(0));
});
write({ ready: true });
