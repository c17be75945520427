/** Recognises URLs of web pages that show a file instead of being it. */

interface Page {
  readonly host: RegExp;
  readonly path: RegExp;
  readonly site: string;
  /** The URL of the file itself, where it follows from the page's. */
  readonly file?: (url: URL) => string;
}

const RAW_OF_BLOB = (url: URL) => url.href.replace('/-/blob/', '/-/raw/').replace('/blob/', '/raw/');

function rawDropbox(url: URL): string {
  const raw = new URL(url);
  raw.searchParams.delete('dl');
  raw.searchParams.set('raw', '1');
  return raw.href;
}

const PAGES: readonly Page[] = [
  { host: /^(www\.)?github\.com$/, path: /^\/[^/]+\/[^/]+\/(blob|tree)\//, site: 'GitHub', file: RAW_OF_BLOB },
  { host: /(^|\.)(gitlab\.com|gitee\.com)$/, path: /\/blob\//, site: 'a code host', file: RAW_OF_BLOB },
  {
    host: /^huggingface\.co$/,
    path: /\/blob\//,
    site: 'Hugging Face',
    file: (url) => url.href.replace('/blob/', '/resolve/'),
  },
  {
    host: /^(drive|docs|photos)\.google\.com$/,
    path: /^\/(file\/|open|drive|document|photo|share|u\/)/,
    site: 'Google',
  },
  { host: /^photos\.app\.goo\.gl$/, path: /./, site: 'Google Photos' },
  {
    host: /^(www\.)?dropbox\.com$/,
    path: /^\/(s|scl)\//,
    site: 'Dropbox',
    file: rawDropbox,
  },
  { host: /^(onedrive\.live\.com|1drv\.ms)$/, path: /./, site: 'OneDrive' },
  {
    host: /(^|\.)(pan\.baidu\.com|aliyundrive\.com|alipan\.com|quark\.cn|weiyun\.com)$/,
    path: /./,
    site: 'a cloud drive',
  },
  { host: /^(www\.)?icloud\.com$/, path: /./, site: 'iCloud' },
  { host: /^(www\.)?imgur\.com$/, path: /^\/[^.]+$/, site: 'Imgur' },
  { host: /^(www\.)?unsplash\.com$/, path: /^\/(\w+\/)?photos\/[^/]+\/?$/, site: 'Unsplash' },
  { host: /^(www\.)?(pexels|pixabay)\.com$/, path: /./, site: 'a photo site' },
  { host: /(^|\.)pinterest\.[a-z.]+$/, path: /^\/pin\//, site: 'Pinterest' },
  { host: /^(www\.)?flickr\.com$/, path: /^\/photos\//, site: 'Flickr' },
  { host: /^(www\.)?instagram\.com$/, path: /^\/(p|reel)\//, site: 'Instagram' },
  { host: /(^|\.)(wikipedia|wikimedia)\.org$/, path: /^\/wiki\//, site: 'Wikipedia' },
  { host: /./, path: /\.html?$/i, site: 'its name ends in .html' },
];

/** @param name the input, as it is shown @returns one sentence for a page's URL, else none. The URL is sent all the same: only the provider knows what is there. */
export function webPageNote(url: URL, name: string): string[] {
  const page = PAGES.find(({ host, path }) => host.test(url.hostname) && path.test(url.pathname));
  if (page === undefined || (page.site === 'Dropbox' && url.searchParams.get('raw') === '1')) return [];
  const instead = page.file ? `; the picture itself is probably at ${page.file(url)}` : '';
  return [
    `${name} looks like the URL of a web page (${page.site}), not of the picture itself, and the provider may not find a picture there${instead}`,
  ];
}
