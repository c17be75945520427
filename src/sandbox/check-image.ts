/** Checks that the provider could use an image: a JPEG or PNG within its limits, or a URL that it could reach. */
import { BlockList, isIP } from 'node:net';
import { ASPECT_RATIOS, type AspectRatio } from '../jimeng/modes.ts';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The decoded image's limits (reference section 3). */
const MAX_BYTES = 4_928_307;
const MAX_SIDE = 4096;
const MIN_SIDE = 320;
const MAX_RATIO = 3;

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

function pngSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return undefined;
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** Walks the segments to the frame header: SOF0–SOF15 but for C4 (Huffman), C8 (reserved) and CC (arithmetic). */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  let offset = 2;
  while (offset + 9 <= bytes.length) {
    if (bytes[offset] !== 0xff) return undefined;
    const marker = bytes[offset + 1] ?? 0;
    if (marker === 0xff) {
      offset += 1;
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: bytes.readUInt16BE(offset + 5), width: bytes.readUInt16BE(offset + 7) };
    } else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      offset += 2;
    } else {
      offset += 2 + bytes.readUInt16BE(offset + 2);
    }
  }
  return undefined;
}

/** @returns the size, or the reason why the provider refuses it */
export function imageSizeOrReason(base64: string): ImageSize | string {
  if (base64.startsWith('data:')) return 'a data: prefix; raw base64 is asked for';
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== base64) return 'not standard base64';
  if (bytes.length > MAX_BYTES) return `${bytes.length} bytes; at most ${MAX_BYTES} are taken`;
  const size = pngSize(bytes) ?? jpegSize(bytes);
  if (!size) return 'neither a JPEG nor a PNG';
  const { width, height } = size;
  if (Math.max(width, height) > MAX_SIDE) return `${width}x${height}; at most ${MAX_SIDE} a side`;
  if (Math.min(width, height) < MIN_SIDE) return `${width}x${height}; the shortest side is at least ${MIN_SIDE}`;
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) return `${width}x${height}; a ratio of at most 3`;
  return size;
}

function privateNetworks(): BlockList {
  const list = new BlockList();
  const v4 = ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'];
  for (const network of [...v4, '192.168.0.0/16']) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), 'ipv4');
  }
  list.addAddress('::', 'ipv6');
  list.addAddress('::1', 'ipv6');
  list.addSubnet('fc00::', 7, 'ipv6');
  list.addSubnet('fe80::', 10, 'ipv6');
  return list;
}

/** The provider cannot reach these hosts: it accepts the submit and answers 50215 to the query. */
export function isUnreachable(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const family = isIP(host);
  if (family !== 0) return privateNetworks().check(host, family === 6 ? 'ipv6' : 'ipv4');
  return host === 'localhost' || /\.(localhost|local|invalid)$/.test(host);
}

/** Width × height of the clips (reference section 4; the 720P row is derived from captures). */
export const CLIP_SIZES: Record<'720P' | '1080P', Record<AspectRatio, readonly [width: number, height: number]>> = {
  '1080P': {
    '21:9': [2176, 928],
    '16:9': [1920, 1088],
    '4:3': [1664, 1248],
    '1:1': [1440, 1440],
    '3:4': [1248, 1664],
    '9:16': [1088, 1920],
  },
  '720P': {
    '21:9': [1504, 640],
    '16:9': [1248, 704],
    '4:3': [1120, 832],
    '1:1': [960, 960],
    '3:4': [832, 1120],
    '9:16': [704, 1248],
  },
};

/** The ratio that the provider chooses for a first image. */
export function nearestRatio({ width, height }: ImageSize): AspectRatio {
  const distance = (ratio: AspectRatio) => {
    const [clipWidth, clipHeight] = CLIP_SIZES['720P'][ratio];
    return Math.abs(Math.log(width / height) - Math.log(clipWidth / clipHeight));
  };
  return ASPECT_RATIOS.reduce((best, ratio) => (distance(ratio) < distance(best) ? ratio : best));
}
