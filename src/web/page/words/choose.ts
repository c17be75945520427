/** Which language the page speaks: what was chosen here before, else the browser's. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { en, type Words } from './en.ts';
import { zh } from './zh.ts';

const KEY = 'language';

export const LANGUAGES: Readonly<Record<string, Words>> = { en, zh };
export type Language = 'en' | 'zh';

export function initialLanguage(): Language {
  const chosen = stored() ?? navigator.languages.find((name) => /^(en|zh)\b/i.test(name)) ?? 'en';
  return chosen.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Storage may be switched off: the choice lasts as long as the page.
  }
}

function stored(): string | undefined {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

export const WordsContext = createContext<Words>(en);

export function useWords(): Words {
  return useContext(WordsContext);
}
