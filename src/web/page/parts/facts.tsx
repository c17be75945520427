/** All that is recorded of a video, as a list of names and values. */
import type { ComponentChildren } from 'preact';
import type { ModeName } from '../../../jimeng/modes.ts';
import type { VideoFile, VideoItem } from '../../api.ts';
import { decimal, exactDuration, money, size, wholeMoment } from '../format.ts';
import { useWords } from '../words/choose.ts';
import type { Words } from '../words/en.ts';

export function Facts({ item }: { readonly item: VideoItem }) {
  const words = useWords();
  const { facts } = words;
  const { request, file } = item;
  const rows: Rows = [
    [facts.state, words.statuses[item.status]],
    [facts.person, item.person],
    [facts.mode, words.modes[request.mode as ModeName] ?? request.mode],
    [facts.length, lengthOf(words, file?.facts ?? { durationSeconds: request.duration, fps: request.fps })],
    [facts.size, sizeOf(words, file)],
    [facts.cost, costOf(words, item)],
    [facts.seed, request.seed === -1 ? undefined : request.seed],
    [facts.ratio, request.aspectRatio],
    [facts.camera, cameraOf(words, item)],
    [facts.image, request.image, true],
    [facts.tailImage, request.tailImage, true],
    [facts.requested, wholeMoment(words, item.reservedAt)],
    [facts.took, tookOf(words, item)],
    [facts.path, file?.path, true],
    [facts.id, item.id, true],
    [facts.providerId, item.providerTaskId, true],
    [facts.notes, request.notes.length === 0 ? undefined : request.notes.join('; ')],
  ];
  return <FactList rows={rows} />;
}

type Rows = readonly (readonly [name: string, value: ComponentChildren, isCode?: boolean])[];

/** What has no value is left out. */
export function FactList({ rows }: { readonly rows: Rows }) {
  const words = useWords();
  return (
    <>
      <h2 class="unseen">{words.facts.heading}</h2>
      <dl class="facts">
        {rows
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([name, value, isCode]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{isCode ? <code>{value}</code> : value}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}

interface Length {
  readonly durationSeconds?: number | undefined;
  readonly fps?: number | undefined;
}

/** What the file has, or what was asked for. */
export function lengthOf(words: Words, { durationSeconds, fps }: Length = {}): string | undefined {
  if (durationSeconds === undefined || fps === undefined) return undefined;
  return words.seconds(decimal(words, durationSeconds), decimal(words, fps));
}

export function sizeOf(words: Words, file: VideoFile | undefined): string | undefined {
  return file?.facts && `${file.facts.width} × ${file.facts.height}, ${size(words, file.bytes)}`;
}

function costOf(words: Words, { charge, fen, sandbox, status }: VideoItem): string | undefined {
  if (sandbox) return words.charges.none;
  if (fen === undefined) return undefined;
  if (charge === 'none') return status === 'queued' ? money(words, fen) : words.charges.none;
  return charge === 'possible' ? words.charges.possible(money(words, fen)) : money(words, fen);
}

function cameraOf(words: Words, { request }: VideoItem): string | undefined {
  const { templateId, cameraStrength } = request;
  if (templateId === undefined) return undefined;
  return cameraStrength === undefined
    ? templateId
    : `${templateId}, ${words.strengths[cameraStrength] ?? cameraStrength}`;
}

function tookOf(words: Words, { status, acceptedAt, finishedAt }: VideoItem): string | undefined {
  if (status !== 'done' || acceptedAt === undefined || finishedAt === undefined) return undefined;
  return exactDuration(words, (finishedAt - acceptedAt) / 1000);
}
