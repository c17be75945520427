/** The JSON schema keywords that model APIs accept in the declaration of a function. */

export interface ModelApi {
  readonly name: string;
  readonly source: string;
  readonly keywords: readonly string[];
  /** Types of a property that may have an `enum`. */
  readonly enumTypes: readonly string[];
}

/** Clients hand tool schemas on unchanged: a keyword that one of these APIs does not know fails the user's whole request. */
export const MODEL_APIS: readonly ModelApi[] = [
  {
    name: 'Gemini function declarations (`parameters`, a Schema)',
    // "Unknown name "additionalProperties" … Cannot find field" (promptfoo#6902, 5ire#42, ax#293),
    // "enum: only allowed for STRING type" (5ire#218, notion-mcp-server#42); exclusiveMinimum, const, default: goai#108.
    source: 'https://ai.google.dev/api/caching#Schema',
    keywords: [
      ...['type', 'format', 'title', 'description', 'nullable', 'enum', 'items', 'properties', 'required'],
      ...['minItems', 'maxItems', 'minProperties', 'maxProperties', 'minLength', 'maxLength', 'minimum', 'maximum'],
      ...['pattern', 'example', 'anyOf', 'propertyOrdering'],
    ],
    enumTypes: ['string'],
  },
  {
    name: 'OpenAI strict mode (the client adds additionalProperties: false and makes every input required and nullable)',
    source: 'https://platform.openai.com/docs/guides/structured-outputs#supported-schemas',
    keywords: [
      ...['type', 'description', 'enum', 'const', 'anyOf', 'items', 'properties', 'required', 'additionalProperties'],
      ...['pattern', 'format', 'multipleOf', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
      ...['minItems', 'maxItems', '$ref', '$defs'],
    ],
    enumTypes: ['string', 'number', 'integer', 'boolean'],
  },
  {
    name: 'Anthropic strict tools',
    // "For 'integer' type, property 'minimum' is not supported" (req_llm#302).
    source: 'https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations',
    keywords: [
      ...['type', 'description', 'enum', 'const', 'anyOf', 'allOf', 'items', 'properties', 'required'],
      ...['additionalProperties', 'default', 'format', 'pattern', '$ref', '$defs'],
    ],
    enumTypes: ['string', 'number', 'integer', 'boolean'],
  },
];
