/** Reads the headers of WebP and GIF pictures. */
import { BrokenPicture, type Orientation, orientationOfExif, type PictureFacts } from './facts.ts';

const VP8X_ANIMATION = 0x02;

/** Container and headers of the three codings: RFC 9649. @throws BrokenPicture */
export function readWebp(bytes: Buffer): PictureFacts {
  let size: { width: number; height: number } | undefined;
  let orientation: Orientation = 1;
  let profile: Buffer | undefined;
  let hasAlpha = false;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const type = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + length);
    at += 8 + length + (length % 2);
    if (type === 'VP8X' && content.length >= 10) {
      if (content.readUInt8(0) & VP8X_ANIMATION) throw new BrokenPicture('is an animated WebP');
      size ??= { width: content.readUIntLE(4, 3) + 1, height: content.readUIntLE(7, 3) + 1 };
    }
    if (type === 'VP8L' && content.length >= 5) {
      const bits = content.readUInt32LE(1);
      size ??= { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
      hasAlpha = true;
    }
    if (type === 'VP8 ' && content.length >= 10) {
      size ??= { width: content.readUInt16LE(6) & 0x3fff, height: content.readUInt16LE(8) & 0x3fff };
    }
    if (type === 'ALPH') hasAlpha = true;
    if (type === 'ICCP') profile = content;
    if (type === 'EXIF') {
      orientation = orientationOfExif(content.toString('latin1', 0, 4) === 'Exif' ? content.subarray(6) : content);
    }
  }
  if (size === undefined) throw new BrokenPicture('is damaged: it is a WebP without a picture in it');
  return { ...size, orientation, bytes, profile, hasAlpha, remarks: [] };
}

const GIF_IMAGE = 0x2c;

/** Source: GIF89a specification, sections 18 and 20. @throws BrokenPicture */
export function readGif(bytes: Buffer): PictureFacts {
  if (bytes.length < 13 || bytes.indexOf(GIF_IMAGE, 13) === -1) {
    throw new BrokenPicture('is damaged: it is a GIF without a picture in it');
  }
  return {
    width: bytes.readUInt16LE(6),
    height: bytes.readUInt16LE(8),
    orientation: 1,
    bytes,
    hasAlpha: true,
    remarks: ['only the first frame of a GIF is used'],
  };
}
