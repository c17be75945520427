/**
 * Makes icon.png, the bundle's icon: 512 × 512, a yellow play mark in a ring on deep blue.
 *
 * Run from the project's folder: node scripts/make-icon.mjs
 */
import { writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

const SIDE = 512;
const GROUND = [0x1d, 0x35, 0x57];
const MARK = [0xf1, 0xc4, 0x53];

/** Signed distances in pixels: below 0 is inside. */
function roundedSquare(x, y, half, radius) {
  const [dx, dy] = [Math.abs(x) - half + radius, Math.abs(y) - half + radius];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
}

function ring(x, y, radius, halfWidth) {
  return Math.abs(Math.hypot(x, y) - radius) - halfWidth;
}

/** Points to the right; its centre of mass lies on the icon's. */
function triangle(x, y, radius) {
  const sides = [Math.PI, Math.PI / 3, -Math.PI / 3];
  return Math.max(...sides.map((angle) => x * Math.cos(angle) + y * Math.sin(angle))) - radius / 2;
}

const coverage = (distance) => Math.min(Math.max(0.5 - distance, 0), 1);

function pixel(column, row) {
  const [x, y] = [column + 0.5 - SIDE / 2, row + 0.5 - SIDE / 2];
  const mark = coverage(Math.min(ring(x, y, 168, 14), triangle(x, y, 104) - 8));
  const colour = GROUND.map((ground, index) => Math.round(ground + (MARK[index] - ground) * mark));
  return [...colour, Math.round(255 * coverage(roundedSquare(x, y, SIDE / 2, 112)))];
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

const rows = Array.from({ length: SIDE }, (_, row) =>
  Buffer.from([0, ...Array.from({ length: SIDE }, (_, column) => pixel(column, row)).flat()]),
);
const header = Buffer.alloc(13);
header.writeUInt32BE(SIDE, 0);
header.writeUInt32BE(SIDE, 4);
// 8 bits a channel, red, green, blue and alpha.
header.set([8, 6, 0, 0, 0], 8);
writeFileSync(
  new URL('../icon.png', import.meta.url),
  Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]),
);
