/** Files that are no pictures are refused by what they are, whatever their names say. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadImage } from '../../../../src/media/image/load.ts';
import { makePng } from '../../../support/pictures.ts';

const text = (content: string) => Buffer.from(content, 'latin1');
const box = (brand: string) => text(`\0\0\0\x18ftyp${brand}\0\0\0\0${'\0'.repeat(400)}`);
const fine = makePng({ width: 400, height: 400 });

test.each<readonly [claim: string, fileName: string, make: () => Buffer, sentence: string]>([
  [
    'a PNG sent as text',
    'a.png',
    () => text(fine.toString('latin1').replace('\r\n', '\n')),
    'a.png is a PNG that was changed as if it were text (its line ends are converted), in spite of its name; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'an empty WebP',
    'a.webp',
    () => text('RIFF\x24\0\0\0WEBP'),
    'a.webp is damaged: it is a WebP without a picture in it.',
  ],
  [
    'an animated AVIF',
    'a.avif',
    () => box('avis'),
    'a.avif is an animated HEIF or AVIF picture, in spite of its name; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  ['an empty HEIC', 'IMG_1.HEIC', () => box('heic'), 'IMG_1.HEIC is damaged: its HEIF structure cannot be read.'],
  ['an empty GIF', 'a.gif', () => text('GIF89a\x01\0\x01\0'), 'a.gif is damaged: it is a GIF without a picture in it.'],
  [
    'a BMP',
    'a.bmp',
    () => text('BM\x46\0\0\0\0\0\0\0\x36\0\0\0'),
    'a.bmp is a BMP picture; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'a TIFF',
    'a.tif',
    () => text('II*\0\x08\0\0\0'),
    'a.tif is a TIFF or camera raw picture; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'a PDF',
    'a.pdf',
    () => text('%PDF-1.7'),
    'a.pdf is a PDF document; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'an MP4',
    'a.mp4',
    () => box('isom'),
    'a.mp4 is an MP4 video; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'an SVG',
    'a.svg',
    () => text('<?xml version="1.0"?><svg width="400">'),
    'a.svg is an SVG drawing; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'a web page',
    'a.jpg',
    () => text('<!DOCTYPE html><html>404'),
    'a.jpg is a web page (HTML), not the picture itself, in spite of its name; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'a secret',
    '.env',
    () => text('VOLC_SECRETKEY=abc\n'),
    '.env is a text file; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'a text that begins like a BMP',
    'a.txt',
    () => text('BMW drives by'),
    'a.txt is a text file; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  [
    'a text before a PNG',
    'a.png',
    () => Buffer.concat([text('x\n'), fine]),
    'a.png is of an unknown kind (it begins with 780a89504e470d0a), in spite of its name; pictures are taken as JPEG, PNG, WebP, GIF, AVIF or HEIC.',
  ],
  ['an empty file', 'a.png', () => Buffer.alloc(0), 'a.png is an empty file.'],
])('%s', async (_claim, fileName, make, sentence) => {
  const folder = await mkdtemp(join(tmpdir(), 'image-kind-'));
  await writeFile(join(folder, fileName), make());
  const rules = { workingDir: folder, imageDirs: undefined, outputDir: undefined, homeDir: folder, unrestricted: true };
  await expect(loadImage(fileName, 'image', rules)).rejects.toMatchObject({ code: 'invalid_image', message: sentence });
  await rm(folder, { recursive: true });
});
