/** Shared by the clients of both SDK versions. */
import { answerOrThrown } from './trial.mjs';

/**
 * @param client connected
 * @param callTool `({name, arguments}, requestOptions)` → the protocol's result; the two versions take them differently
 */
export function sdkSession(client, { callLimitSeconds, onProgress }, callTool) {
  const options = {
    ...(callLimitSeconds === undefined ? {} : { timeout: callLimitSeconds * 1000 }),
    ...(onProgress === undefined ? {} : { onprogress: onProgress }),
  };
  return {
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async listExtras() {
      const capabilities = client.getServerCapabilities();
      return {
        resources: capabilities.resources ? (await client.listResources()).resources : [],
        prompts: capabilities.prompts ? (await client.listPrompts()).prompts : [],
      };
    },
    call: (name, input) =>
      answerOrThrown(async () => {
        const { content, structuredContent, isError } = await callTool({ name, arguments: input }, options);
        return { text: content.map(({ text }) => text).join('\n'), structured: structuredContent, isError };
      }),
    close: () => client.close(),
  };
}
