/** The text of the prompt that turns an idea and a length into a storyboard, in English and in Chinese. */
import { MAX_SHOTS, MIN_SHOTS } from '../films/storyboard.ts';
import { priceCny } from '../jimeng/modes.ts';
import { modeOfQuality, type Quality } from '../tasks/video-request.ts';
import type { Language } from './prompt-texts.ts';

/** A shot of 4 s costs as one of 5 s, of 6 and 8 s as one of 10 s: so a plan begins with these. */
const SHOT_SECONDS = 5;
const LONG_SHOT_SECONDS = 10;
const DEFAULT_SECONDS = 20;
/** What all shots together can be. */
export const FILM_SECONDS = { min: MIN_SHOTS * SHOT_SECONDS, max: MAX_SHOTS * LONG_SHOT_SECONDS } as const;

export interface FilmPlan {
  readonly idea: string;
  readonly language: Language;
  readonly quality: Quality;
  /** Seconds. */
  readonly length?: number | undefined;
  /** Inputs of generate_film that are passed on. */
  readonly inputs: Readonly<Record<string, string>>;
}

interface Plan {
  readonly idea: string;
  readonly seconds: number;
  readonly shots: number;
  readonly shotSeconds: number;
  /** CNY with two decimals, of all shots. */
  readonly price: string;
  /** The arguments of generate_film, as JSON. */
  readonly call: string;
  readonly takesKeyframes: boolean;
}

/** The call in the text is valid as it stands. */
export function filmPlanText({ idea, language, quality, length = DEFAULT_SECONDS, inputs }: FilmPlan): string {
  const shotSeconds = length > MAX_SHOTS * SHOT_SECONDS ? LONG_SHOT_SECONDS : SHOT_SECONDS;
  const shots = Math.max(MIN_SHOTS, Math.round(length / shotSeconds));
  const mode = modeOfQuality(quality, { image: false, tailImage: false, camera: false }) ?? 't2v_720p';
  const words = language === 'zh' ? chinese : english;
  const call = {
    title: words.titlePlace,
    quality,
    ...inputs,
    shots: Array.from({ length: shots }, (_, index) => ({
      prompt: words.promptPlace(index + 1),
      duration: shotSeconds,
    })),
    dry_run: true,
  };
  return words.text({
    idea,
    seconds: length,
    shots,
    shotSeconds,
    price: (shots * priceCny(mode, shotSeconds)).toFixed(2),
    call: JSON.stringify(call),
    takesKeyframes: modeOfQuality(quality, { image: true, tailImage: true, camera: false }) !== undefined,
  });
}

const english = {
  titlePlace: 'THE TITLE',
  promptPlace: (shot: number) => `THE PROMPT OF SHOT ${shot}`,
  text: ({ idea, seconds, shots, shotSeconds, price, call, takesKeyframes }: Plan) =>
    [
      `Plan a film of about ${seconds} seconds with Jimeng from this idea: ${JSON.stringify(idea)}`,
      [
        `1. Divide it into shots, for example ${shots} of ${shotSeconds} s (${MIN_SHOTS} to ${MAX_SHOTS} are possible). Each shot has one action and one camera movement. A shot of 4 s costs as much as one of 5 s; 6 and 8 s cost as much as 10 s.`,
        '   Write the prompt of each shot in English, at most 400 characters. It is read alone: describe the subject, the place, the light and the style in the same words in every shot. The shots have no sound.',
      ].join('\n'),
      [
        '2. Decide how each shot begins:',
        '   - **A cut** to another picture: nothing to add. Such shots are made at the same time.',
        '   - **`"continue": true`**: it begins with the last frame of the shot before, for one movement in one place. Needs ffmpeg. Sharpness and contrast grow with each such shot, so continue at most twice in a row.',
        ...(takesKeyframes
          ? [
              '   - **`keyframes`** instead, for the whole film: one still more than there are shots, where I have the stills. Shot k goes from still k to still k+1.',
            ]
          : []),
      ].join('\n'),
      `3. Show me the storyboard as a table: shot, seconds, how it begins, prompt. Then check it with generate_film; this costs nothing:\n\n\`\`\`json\n${call}\n\`\`\``,
      `4. Tell me the total price that the answer reports (${shots} shots of ${shotSeconds} s: about ¥${price}; only finished shots are charged) and that each shot takes 2 to 10 minutes. **Wait for my yes.**`,
      '5. Then make the same call without `dry_run`, and do what next_step of each answer says, until the film is done.',
      '6. Look at the cuts with preview_video, and show me where the film is saved. A shot that is not right is made again with retake_shot, after I have agreed to its price.',
    ].join('\n\n'),
};

const chinese: typeof english = {
  titlePlace: '片名',
  promptPlace: (shot) => `第 ${shot} 个镜头的提示词`,
  text: ({ idea, seconds, shots, shotSeconds, price, call, takesKeyframes }) =>
    [
      `用即梦按这个想法策划一部约 ${seconds} 秒的影片：${JSON.stringify(idea)}`,
      [
        `1. 分成若干镜头，例如 ${shots} 个 ${shotSeconds} 秒的镜头（可以是 ${MIN_SHOTS} 到 ${MAX_SHOTS} 个）。每个镜头只有一个动作、一种运镜。4 秒与 5 秒价格相同，6 秒、8 秒与 10 秒价格相同。`,
        '   用中文写每个镜头的提示词，不超过 400 字。模型看不到其他镜头：主体、地点、光线和风格在每个镜头里都用同样的词写一遍。镜头没有声音。',
      ].join('\n'),
      [
        '2. 决定每个镜头如何开始：',
        '   - **切换**到另一个画面：什么都不用加。这样的镜头同时生成。',
        '   - **`"continue": true`**：从上一个镜头的最后一帧开始，适合同一地点的连续动作。需要 ffmpeg。每接一次，锐度和对比度都会略增，所以最多连续接两次。',
        ...(takesKeyframes
          ? [
              '   - 如果我有静态图，整部影片也可以改用 **`keyframes`**：图片比镜头多一张，第 k 个镜头从第 k 张图到第 k+1 张图。',
            ]
          : []),
      ].join('\n'),
      `3. 把分镜表给我看：镜头、秒数、如何开始、提示词。然后用 generate_film 检查，这一步不收费：\n\n\`\`\`json\n${call}\n\`\`\``,
      `4. 告诉我返回的总价（${shots} 个 ${shotSeconds} 秒的镜头约 ¥${price}，成片才收费），以及每个镜头需要 2 到 10 分钟。**等我同意。**`,
      '5. 然后去掉 `dry_run` 再调用一次，每次都照返回的 next_step 去做，直到影片完成。',
      '6. 用 preview_video 看各处接缝，告诉我影片保存在哪里。不合适的镜头用 retake_shot 重做，先报价，等我同意。',
    ].join('\n\n'),
};
