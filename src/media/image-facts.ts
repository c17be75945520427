/** What does a picture's structure tell, before a pixel of it is decoded? */
import type { Orientation } from './image-exif.ts';

export interface PictureFacts {
  /** As stored, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** The picture's own length; what follows it (a motion photo's video, an archive) is no part of it. */
  readonly endOfPicture: number;
  /** Four inks for print: no portable decoder turns it into the colours that its maker saw. */
  readonly isCmyk: boolean;
  readonly isAnimated: boolean;
}

/** Told after the file's name: "photo.jpg is cut off: …". */
export class BrokenPicture extends Error {
  override readonly name = 'BrokenPicture';
}
