/** Everything that the page says, as one type that each language fills. */
import type { FilmStatus } from '../../../films/film.ts';
import type { ModeName } from '../../../jimeng/modes.ts';
import type { TaskStatus } from '../../../tasks/record.ts';
import type { StateName } from '../../api.ts';

export interface Words {
  /** For `lang` and for dates and money. */
  readonly locale: string;
  readonly title: string;
  readonly otherLanguage: { readonly name: string; readonly lang: string; readonly label: string };
  readonly search: string;
  readonly searchHint: string;
  readonly allModes: string;
  readonly mode: string;
  readonly modes: Readonly<Record<ModeName, string>>;
  readonly states: Readonly<Record<StateName | 'all', string>>;
  readonly statuses: Readonly<Record<TaskStatus, string>>;
  readonly filters: string;
  readonly clearFilters: string;
  readonly found: (count: number, isAll: boolean) => string;
  readonly loading: string;
  readonly loadMore: string;
  readonly videos: string;
  readonly untitled: string;
  readonly play: string;

  readonly spent24h: string;
  readonly spentAll: string;
  readonly pending: string;
  readonly budgetLeft: (left: string, budget: string) => string;
  readonly sandbox: string;

  readonly none: string;
  readonly noneHint: string;
  readonly noneExample: string;
  readonly noMatch: string;
  readonly noMatchHint: string;
  readonly failedToLoad: string;
  readonly tryAgain: string;
  readonly disconnected: string;
  readonly disconnectedHint: string;
  readonly locked: string;
  readonly noAccount: string;
  readonly notPolled: string;

  readonly soFar: (time: string) => string;
  readonly usually: (low: string, high: string) => string;
  readonly left: (least: string, most: string) => string;
  readonly under: (most: string) => string;
  readonly dueNow: string;
  readonly late: string;
  readonly usualDefault: string;
  /** @param rest seconds beyond the whole minutes */
  readonly duration: (minutes: number, rest: number) => string;

  readonly saving: string;
  readonly inQueue: string;
  readonly generating: string;
  readonly submitting: string;
  readonly aboutToBeSent: string;
  readonly waitsForSlot: (before: number) => string;
  readonly waitsForUnknown: (ids: string) => string;
  readonly waitsForProvider: string;
  readonly waitsForProcess: string;
  readonly waitsForWorker: string;
  readonly notCharged: string;
  readonly mayBeCharged: string;
  readonly unknown: string;
  readonly notFound: string;
  readonly expiredUnsent: string;
  readonly expired: string;
  readonly cancelled: string;
  readonly doneNotSaved: string;
  readonly linkOnly: string;
  readonly fileMissing: string;
  readonly providerSays: (text: string) => string;

  readonly movesItself: string;
  readonly thenRun: string;
  readonly toSend: string;
  readonly startWorker: string;
  readonly toSave: string;
  readonly toRefresh: string;
  readonly toRelease: string;
  readonly toFetchAgain: string;
  readonly withMode: string;
  readonly repeat: string;
  readonly openLinkBefore: (time: string) => string;
  readonly lookInConsole: string;
  readonly askBeforePaying: string;
  readonly mustDiffer: string;
  readonly repeatIfWanted: string;

  readonly close: string;
  readonly previous: string;
  readonly next: string;
  readonly copyCall: string;
  readonly copyPrompt: string;
  readonly copyPath: string;
  readonly copyLink: string;
  readonly copyCommand: string;
  readonly openFolder: string;
  readonly cancel: string;
  readonly copied: string;
  readonly notCopied: string;
  readonly folderOpened: string;
  readonly folderFailed: string;
  readonly withdrawn: string;
  readonly notWithdrawn: string;
  readonly callLacks: (names: string) => string;
  readonly callHint: string;

  readonly facts: {
    readonly heading: string;
    readonly state: string;
    readonly mode: string;
    readonly length: string;
    readonly size: string;
    readonly cost: string;
    readonly seed: string;
    readonly ratio: string;
    readonly camera: string;
    readonly image: string;
    readonly tailImage: string;
    readonly requested: string;
    readonly took: string;
    readonly path: string;
    readonly id: string;
    readonly providerId: string;
    readonly notes: string;
  };
  readonly seconds: (seconds: string, fps: string) => string;
  readonly charges: { readonly none: string; readonly possible: (money: string) => string; readonly made: string };
  readonly strengths: Readonly<Record<string, string>>;
  readonly takes: string;
  readonly films: {
    readonly heading: string;
    readonly film: string;
    readonly all: string;
    readonly untitled: string;
    readonly id: string;
    readonly notFound: string;
    readonly statuses: Readonly<Record<FilmStatus, string>>;
    readonly shots: (saved: number, all: number) => string;
    readonly shotsHeading: string;
    readonly shot: (number: number) => string;
    readonly showShots: string;
    readonly continues: string;
    readonly behind: string;
    readonly otherTakes: (count: number) => string;
    readonly needsRetake: (shot: number) => string;
    readonly callHint: string;
  };
  readonly noPrompt: string;
}
