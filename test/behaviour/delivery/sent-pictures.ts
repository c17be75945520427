/** The pictures that reached the provider with a prompt, as bytes. */
import { expect } from 'vitest';
import type { Stage } from '../../support/mcp-client.ts';

/** Of the one submit with this prompt, in their order. */
export function sentPictures(stage: Stage, prompt: string): Buffer[] {
  const submits = stage.sandbox.submits(prompt);
  expect(submits).toHaveLength(1);
  expect(submits[0]?.body).not.toHaveProperty('image_urls');
  const data = (submits[0]?.body?.binary_data_base64 ?? []) as readonly string[];
  return data.map((base64) => Buffer.from(base64, 'base64'));
}
