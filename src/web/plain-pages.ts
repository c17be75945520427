/** Pages without a script: the one that a link opens, the one that is shown without it, and those of the shared server. */

/** @param root where the page's files are */
const head = (title: string, more = '', root = '/') =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
  `<meta name="viewport" content="width=device-width,initial-scale=1">${more}` +
  `<link rel="icon" href="${root}icon.svg"><link rel="stylesheet" href="${root}page.css"></head>`;

/** Redirects in the page: that navigation comes from this server's own page, so the browser sends the strict cookie. */
export const ENTRY_PAGE = `${head('Gallery', '<meta http-equiv="refresh" content="0; url=/">')}
<body class="plain"><main><p><a href="/">Open the gallery</a></p></main></body></html>`;

export const LOCKED_PAGE = `${head('Gallery')}
<body class="plain"><main>
<h1>Open the gallery with its link</h1>
<p>The link is in the terminal that runs <code>jimeng-video-mcp gallery</code>. It works while that command runs; after a restart there is a new one.</p>
<h1 lang="zh-CN">请用完整链接打开作品库</h1>
<p lang="zh-CN">链接显示在运行 <code>jimeng-video-mcp gallery</code> 的终端里，仅在该命令运行期间有效；重新启动后会生成新链接。</p>
</main></body></html>`;

/** The form is sent to the address beside the page's own. */
const signIn = (notice: string) => `${head('Gallery', '', './')}
<body class="plain"><main>
<h1>Sign in to the gallery <span lang="zh-CN">登录作品库</span></h1>
${notice}<form method="post" action="sign-in">
<p><label for="token">Your token <span lang="zh-CN">令牌</span></label></p>
<p><input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>
<p><button type="submit">Sign in <span lang="zh-CN">登录</span></button></p>
</form>
</main></body></html>`;

export const SIGN_IN_PAGE = signIn('');
export const WRONG_TOKEN_PAGE = signIn(
  '<p role="alert">This token is not known, or no longer. <span lang="zh-CN">令牌无效或已被撤销。</span></p>\n',
);

/** @param why a sentence of ours */
export const unavailablePage = (why: string) => `${head('Gallery', '', './')}
<body class="plain"><main>
<h1>The gallery cannot be shown now</h1>
<p>${why} Open the gallery again in a minute.</p>
<h1 lang="zh-CN">作品库暂时无法显示</h1>
<p lang="zh-CN">请稍后重新打开。</p>
</main></body></html>`;
