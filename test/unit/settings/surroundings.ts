/** What the process was started with, for tests of settings: on Linux unless given. */
import type { Surroundings } from '../../../src/settings.ts';

export const HOME = '/home/mei';

export function from(environment: Record<string, string>, rest: Partial<Surroundings> = {}): Surroundings {
  return { environment, homeDir: HOME, workingDir: '/work-place', platform: 'linux', ...rest };
}
