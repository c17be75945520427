/** One row of the table of settings: what it holds, and how rows that are alike are written. */
import { key, type Limits, numberIn, type Parse, type Reading } from './values.ts';

/**
 * What a wrong setting can stop:
 * `paid` sends a request that costs money; `check` is its dry run, which needs the same settings but no keys;
 * `query` queries the provider about a task; `save` downloads or writes a video; `read` opens the records (lists, cancel);
 * `preview` returns pictures; `serve` starts the shared server.
 */
export const OPERATIONS = ['paid', 'check', 'query', 'save', 'read', 'preview', 'serve'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** `[English, Chinese]` */
type Words = readonly [english: string, chinese: string];

/** A field of the form that Claude Desktop shows for the bundle; the MCP Registry lists the same variables. */
export interface FormField {
  readonly id: string;
  readonly type: 'string' | 'number' | 'directory';
  /** English alone: the form cannot be translated, so the Chinese text of the bundle explains each title. */
  readonly title: string;
  readonly description: Words;
  readonly default?: string | number;
}

export interface Setting<Value> {
  readonly name: string;
  readonly parse: Parse<Value>;
  /** The value when the variable is not set, or wrong. */
  readonly initial: (reading: Reading) => Value;
  /** Which operations are refused while the variable is wrong. */
  readonly stops: readonly Operation[];
  readonly secret?: true;
  readonly limits?: Limits;
  /** The value as doctor prints it; not asked for a secret. */
  readonly show: (value: Value) => string;
  readonly meaning: Words;
  /** In the documents; without it the value itself, or – for none. */
  readonly defaultWords?: Words;
  readonly form?: FormField;
}

export const PAID: readonly Operation[] = ['paid', 'check'];

/** What is not set is undefined, and shown as "not set", unless the row says otherwise. */
export function setting<Value>(
  row: Omit<Setting<Value>, 'initial' | 'show'> &
    Partial<Pick<Setting<Value>, 'show'>> &
    (undefined extends Value ? Partial<Pick<Setting<Value>, 'initial'>> : Pick<Setting<Value>, 'initial'>),
): Setting<Value> {
  return {
    initial: () => undefined as Value,
    show: (value) => (value === undefined ? 'not set' : String(value)),
    ...row,
  };
}

type Rest<Value> = Pick<Setting<Value>, 'meaning'> & Partial<Setting<Value>>;

export function numeric<Value extends number | undefined>(
  name: string,
  limits: Limits,
  initial: Value,
  rest: Rest<number | Value>,
): Setting<number | Value> {
  const unit = limits.unit === 'seconds' ? ' s' : '';
  return {
    name,
    limits,
    parse: numberIn(limits),
    initial: () => initial,
    stops: PAID,
    show: (value) => `${value}${unit}`,
    ...rest,
  };
}

export function credential(name: string, meaning: Words, form: FormField): Setting<string | undefined> {
  return setting<string | undefined>({ name, parse: key, stops: ['paid', 'query'], secret: true, meaning, form });
}
