/** The texts of the prompts, in English and in Chinese. */
import { CAMERA_TEMPLATES, type CameraTemplate } from '../jimeng/modes.ts';
import { CAMERA_NAMES, renderTemplates } from './resources.ts';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Shot {
  readonly idea: string;
  /** CNY with two decimals. */
  readonly price: string;
  readonly billedSeconds: number;
  /** The arguments of generate_video, as JSON. */
  readonly call: string;
  readonly hasImage: boolean;
  readonly hasTail: boolean;
  /** No template was named: the model picks one. */
  readonly choosesTemplate: boolean;
  readonly template: string | undefined;
}

export interface ShotTexts {
  /** Stands in the call where the prompt goes. */
  readonly promptPlace: string;
  /** Stands in the call where the template goes. */
  readonly templatePlace: string;
  text(shot: Shot): string;
}

function isTemplate(id: string | undefined): id is CameraTemplate {
  return id !== undefined && Object.hasOwn(CAMERA_TEMPLATES, id);
}

const english: ShotTexts = {
  promptPlace: 'THE PROMPT YOU WROTE',
  templatePlace: 'THE TEMPLATE YOU CHOSE',
  text: (shot) =>
    [
      `Make a video with Jimeng from this idea: ${JSON.stringify(shot.idea)}`,
      [
        `1. Write the prompt in English, as one paragraph of at most 400 characters and one continuous shot:`,
        `   - **Subject**: who or what, with two or three visible details${shot.hasImage ? '; the picture shows it already, so name it and do not describe it again' : ''}.`,
        '   - **Action**: one action that fits the length, in the order in which it happens.',
        `   - **Scene**: where, and when${shot.hasTail ? '; say how the first frame becomes the last' : ''}.`,
        `   - **Camera**: ${englishCamera(shot)}`,
        '   - **Light and mood**: where the light comes from, its colour, the style.',
        '   Describe what is to be seen, not what is absent: there is no negative prompt. The video has no sound.',
      ].join('\n'),
      ...(shot.choosesTemplate ? [`The camera templates:\n\n${renderTemplates()}`] : []),
      `2. Show me the prompt, and say that it costs about ¥${shot.price} (${shot.billedSeconds} s are billed, only when the video is finished) and takes 2 to 10 minutes. **Wait for my yes.**`,
      `3. Then call generate_video with:\n\n\`\`\`json\n${shot.call}\n\`\`\``,
      '4. Do what next_step of each answer says, until the video is done; then show me where it is saved, and the link.',
    ].join('\n\n'),
};

function englishCamera({ choosesTemplate, template }: Shot): string {
  if (choosesTemplate) return 'leave it out of the prompt, and choose one of the templates below.';
  if (!isTemplate(template)) return 'one movement or none: push in, pull back, pan, follow, orbit, or a fixed camera.';
  return `leave it out of the prompt: template_id ${template} (${CAMERA_TEMPLATES[template]}, ${CAMERA_NAMES[template]}) does it.`;
}

const chinese: ShotTexts = {
  promptPlace: '写好的提示词',
  templatePlace: '选定的模板',
  text: (shot) =>
    [
      `用即梦按这个想法做一段视频：${JSON.stringify(shot.idea)}`,
      [
        '1. 用中文写提示词：一段话，不超过 400 字，一个连续的镜头：',
        `   - **主体**：谁或什么，两三个看得见的细节${shot.hasImage ? '；图片里已有，点明即可，不必重新描述' : ''}。`,
        '   - **动作**：一个与时长相称的动作，按发生的先后写。',
        `   - **场景**：地点与时间${shot.hasTail ? '；写明首帧如何变成尾帧' : ''}。`,
        `   - **镜头**：${chineseCamera(shot)}`,
        '   - **光线与氛围**：光从哪里来、什么颜色、什么风格。',
        '   只写画面里有什么，不写没有什么：没有反向提示词。视频没有声音。',
      ].join('\n'),
      ...(shot.choosesTemplate ? [`运镜模板：\n\n${renderTemplates()}`] : []),
      `2. 把提示词给我看，并说明费用约 ¥${shot.price}（按 ${shot.billedSeconds} 秒计费，成片才收费），需要 2 到 10 分钟。**等我同意。**`,
      `3. 然后调用 generate_video，参数为：\n\n\`\`\`json\n${shot.call}\n\`\`\``,
      '4. 每次都照返回的 next_step 去做，直到完成；最后告诉我保存的位置和链接。',
    ].join('\n\n'),
};

function chineseCamera({ choosesTemplate, template }: Shot): string {
  if (choosesTemplate) return '提示词里不写，从下面的模板中选一个。';
  if (!isTemplate(template)) return '只用一种运动或不动：推、拉、摇、跟、环绕，或固定镜头。';
  return `提示词里不写：由 template_id ${template}（${CAMERA_TEMPLATES[template]}）完成。`;
}

export const SHOT_TEXTS: Readonly<Record<Language, ShotTexts>> = { en: english, zh: chinese };
