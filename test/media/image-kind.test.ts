/** Is what is no JPEG and no PNG refused by what it is, whatever its name says? */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadImage } from '../../src/media/image.ts';
import { makePng } from '../support/pictures.ts';

const text = (content: string) => Buffer.from(content, 'latin1');
const box = (brand: string) => text(`\0\0\0\x18ftyp${brand}\0\0\0\0${'\0'.repeat(400)}`);
const fine = makePng({ width: 400, height: 400 });

test.each<readonly [claim: string, fileName: string, make: () => Buffer, sentence: string]>([
  [
    'a PNG sent as text',
    'a.png',
    () => text(fine.toString('latin1').replace('\r\n', '\n')),
    'a.png is a PNG that was changed as if it were text (its line ends are converted), in spite of its name; only JPEG and PNG pictures are taken.',
  ],
  [
    'a WebP picture',
    'a.jpg',
    () => text('RIFF\x24\0\0\0WEBPVP8 '),
    'a.jpg is a WebP picture, in spite of its name; only JPEG and PNG pictures are taken.',
  ],
  [
    'a HEIC picture',
    'IMG_1.HEIC',
    () => box('heic'),
    'IMG_1.HEIC is a HEIC picture (what iPhones take); only JPEG and PNG pictures are taken.',
  ],
  ['an AVIF picture', 'a.avif', () => box('avif'), 'a.avif is an AVIF picture; only JPEG and PNG pictures are taken.'],
  ['a GIF', 'a.gif', () => text('GIF89a\x01\0\x01\0'), 'a.gif is a GIF picture; only JPEG and PNG pictures are taken.'],
  [
    'a BMP',
    'a.bmp',
    () => text('BM\x46\0\0\0\0\0\0\0\x36\0\0\0'),
    'a.bmp is a BMP picture; only JPEG and PNG pictures are taken.',
  ],
  [
    'a TIFF',
    'a.tif',
    () => text('II*\0\x08\0\0\0'),
    'a.tif is a TIFF or camera raw picture; only JPEG and PNG pictures are taken.',
  ],
  ['a PDF', 'a.pdf', () => text('%PDF-1.7'), 'a.pdf is a PDF document; only JPEG and PNG pictures are taken.'],
  ['an MP4', 'a.mp4', () => box('isom'), 'a.mp4 is an MP4 video; only JPEG and PNG pictures are taken.'],
  [
    'an SVG',
    'a.svg',
    () => text('<?xml version="1.0"?><svg width="400">'),
    'a.svg is an SVG drawing; only JPEG and PNG pictures are taken.',
  ],
  [
    'a web page',
    'a.jpg',
    () => text('<!DOCTYPE html><html>404'),
    'a.jpg is a web page (HTML), not the picture itself, in spite of its name; only JPEG and PNG pictures are taken.',
  ],
  [
    'a secret',
    '.env',
    () => text('VOLC_SECRETKEY=abc\n'),
    '.env is a text file; only JPEG and PNG pictures are taken.',
  ],
  [
    'a text that begins like a BMP',
    'a.txt',
    () => text('BMW drives by'),
    'a.txt is a text file; only JPEG and PNG pictures are taken.',
  ],
  [
    'a text before a PNG',
    'a.png',
    () => Buffer.concat([text('x\n'), fine]),
    'a.png is of no known kind (it begins with 780a89504e470d0a), in spite of its name; only JPEG and PNG pictures are taken.',
  ],
  ['an empty file', 'a.png', () => Buffer.alloc(0), 'a.png is an empty file.'],
])('%s', async (_claim, fileName, make, sentence) => {
  const folder = await mkdtemp(join(tmpdir(), 'image-kind-'));
  await writeFile(join(folder, fileName), make());
  const rules = { workingDir: folder, imageDirs: undefined, outputDir: undefined, homeDir: folder, unrestricted: true };
  await expect(loadImage(fileName, 'image', rules)).rejects.toMatchObject({ code: 'invalid_image', message: sentence });
  await rm(folder, { recursive: true });
});
