/** The settings of the shared server alone. */
import { type Operation, setting } from './row.ts';
import { absolutePath, audience, secureAddress, webAddress } from './values.ts';

const SERVE: readonly Operation[] = ['serve'];

export const SERVE_SETTINGS = {
  /** Undefined: nobody has a token. */
  tokensFile: setting<string | undefined>({
    name: 'JIMENG_VIDEO_TOKENS',
    parse: absolutePath,
    stops: SERVE,
    meaning: [
      '`serve` only: the file of the people who may use the server, made by `serve token add`',
      '仅用于 `serve`：可使用服务器的人员列表文件，由 `serve token add` 创建',
    ],
  }),
  oauthIssuer: setting<URL | undefined>({
    name: 'JIMENG_VIDEO_OAUTH_ISSUER',
    parse: secureAddress('https://login.example.com'),
    stops: SERVE,
    meaning: [
      '`serve` only: the authorization server (OAuth 2.1, OpenID Connect) whose tokens are accepted',
      '仅用于 `serve`：接受其令牌的授权服务器（OAuth 2.1、OpenID Connect）',
    ],
  }),
  oauthAudience: setting<string | undefined>({
    name: 'JIMENG_VIDEO_OAUTH_AUDIENCE',
    parse: audience,
    stops: SERVE,
    meaning: [
      '`serve` only: what the tokens of the authorization server name as their audience (`aud`)',
      '仅用于 `serve`：授权服务器签发的令牌中的受众（`aud`）',
    ],
    defaultWords: ['JIMENG_VIDEO_PUBLIC_URL with `/mcp`', 'JIMENG_VIDEO_PUBLIC_URL 加 `/mcp`'],
  }),
  publicUrl: setting<URL | undefined>({
    name: 'JIMENG_VIDEO_PUBLIC_URL',
    parse: webAddress('https://videos.example.com'),
    stops: SERVE,
    meaning: [
      '`serve` only: the address by which clients reach the server, and with which its links begin',
      '仅用于 `serve`：客户端访问服务器的地址，也是服务器所给链接的开头',
    ],
  }),
} as const;
