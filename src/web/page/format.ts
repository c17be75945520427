/** Money, times and lengths in the reader's form. Pure. */
import { roundedSeconds } from '../../report/time-left.ts';
import type { Words } from './words/en.ts';

export function money({ locale }: Words, fen: number): string {
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'CNY',
    currencyDisplay: 'narrowSymbol',
  }).format(fen / 100);
}

/** The reader's own form where the browser speaks the page's language. */
function localeOf({ locale }: Words): string {
  return navigator.languages.find((name) => name.split('-')[0] === locale.split('-')[0]) ?? locale;
}

/** Today's and this year's are shorter. */
export function moment(words: Words, at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const isToday = then.toDateString() === today.toDateString();
  const isThisYear = then.getFullYear() === today.getFullYear();
  const day = isToday ? {} : ({ month: 'short', day: 'numeric', ...(isThisYear ? {} : { year: 'numeric' }) } as const);
  return new Intl.DateTimeFormat(localeOf(words), { ...day, hour: '2-digit', minute: '2-digit' }).format(then);
}

export function wholeMoment(words: Words, at: number): string {
  return new Intl.DateTimeFormat(localeOf(words), { dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

export function exactDuration(words: Words, seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return words.duration(Math.floor(whole / 60), whole % 60);
}

/** In steps that do not pretend to more than is known. */
export function aboutDuration(words: Words, seconds: number): string {
  return exactDuration(words, roundedSeconds(seconds));
}

/** As players show it: 0:05 */
export function clockTime(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

export function size({ locale }: Words, bytes: number): string {
  const megabytes = bytes / 1e6;
  const digits = { maximumFractionDigits: megabytes < 10 ? 1 : 0 };
  return `${new Intl.NumberFormat(locale, digits).format(megabytes)} MB`;
}

export function decimal({ locale }: Words, value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value);
}
