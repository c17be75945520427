/** How does text that others wrote stay text? */

/** Prompts and provider texts are data: on one line, without control characters, and without a meaning in Markdown. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|~]/g, '\\$&');
}
