/** What the command line needs of the gallery, loaded by its command only. */
export { loopbackHost } from './guard.ts';
export { GalleryNote } from './running.ts';
export { openGallery } from './server.ts';
