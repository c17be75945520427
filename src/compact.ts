/** Leaves out of an object what is undefined: records are kept, and reports sent, without it. */

type Compact<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> } & object;

export function compact<Value extends object>(value: Value): Compact<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Compact<Value>;
}
