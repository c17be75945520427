/** How much a JSON text holds, counted without parsing it: a few megabytes of brackets take gigabytes and minutes. */

/** A film of 50 shots with every input has about 1,000. */
const MAX_VALUES = 50_000;
/** Whatever walks through the values calls itself for each level. */
const MAX_LEVELS = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [LIST, LIST_END] = [0x5b, 0x5d];
const [OBJECT, OBJECT_END] = [0x7b, 0x7d];

/** @param text JSON in UTF-8, where no other character has a byte of these @returns what there is too much of */
export function excessOf(text: Uint8Array): string | undefined {
  let values = 0;
  let levels = 0;
  let isInText = false;
  for (let place = 0; place < text.length; place++) {
    const byte = text[place];
    if (isInText) {
      if (byte === BACKSLASH) place++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === COMMA) values++;
    else if (byte === LIST || byte === OBJECT) {
      values++;
      if (++levels > MAX_LEVELS) return `${MAX_LEVELS} levels`;
    } else if (byte === LIST_END || byte === OBJECT_END) levels--;
    if (values > MAX_VALUES) return `${MAX_VALUES.toLocaleString('en')} values`;
  }
  return undefined;
}
