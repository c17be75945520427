/** The program's name and version, from package.json. */
import packageJson from '../package.json' with { type: 'json' };

/** The same string everywhere: a client that sees two names sends no calls. */
export const NAME: string = packageJson.name;
export const VERSION: string = packageJson.version;
