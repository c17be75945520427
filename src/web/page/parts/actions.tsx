/** What can be done from here: copying, showing the folder, withdrawing from the queue. */
import type { FilmDetail, RepeatedCall, VideoFile, VideoItem } from '../../api.ts';
import { act } from '../request.ts';
import { useWords } from '../words/choose.ts';
import { useAnnounce } from './announcer.tsx';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icons.tsx';

interface ActionsProps {
  /** Of the server's API. */
  readonly path: string;
  readonly call: RepeatedCall;
  /** What the copied arguments are for. */
  readonly callHint: string;
  readonly prompt?: string | undefined;
  readonly file: VideoFile | undefined;
  /** The provider's, where there is no file. */
  readonly link?: string | undefined;
  readonly isCancellable: boolean;
  /** The files are on this computer. */
  readonly isHere: boolean;
  /** Undefined until the server gave it. */
  readonly token: string | undefined;
  readonly onChanged: () => void;
}

function Actions({ path, call, callHint, prompt, file, link, isCancellable, isHere, token, onChanged }: ActionsProps) {
  const words = useWords();
  const announce = useAnnounce();
  const run = async (action: 'cancel' | 'folder', done: string, failed: string) => {
    await act(`${path}/${action}`, token ?? '').then(
      () => announce(done),
      () => announce(failed),
    );
    onChanged();
  };
  const lacks = call.lacks.length > 0 ? words.callLacks(call.lacks.join(', ')) : undefined;
  return (
    <>
      <div class="actions">
        <CopyButton text={JSON.stringify(call.arguments, null, 2)} label={words.copyCall} note={lacks} />
        {prompt !== undefined && <CopyButton text={prompt} label={words.copyPrompt} />}
        {file !== undefined && isHere && <CopyButton text={file.path} label={words.copyPath} />}
        {file !== undefined && isHere && !file.isMissing && !file.isStored && (
          <button type="button" onClick={() => run('folder', words.folderOpened, words.folderFailed)}>
            <Icon name="folder" />
            <span>{words.openFolder}</span>
          </button>
        )}
        {file === undefined && link !== undefined && <CopyButton text={link} label={words.copyLink} />}
        {isCancellable && (
          <button type="button" class="danger" onClick={() => run('cancel', words.withdrawn, words.notWithdrawn)}>
            <Icon name="withdraw" />
            <span>{words.cancel}</span>
          </button>
        )}
      </div>
      <p class="faint">{lacks ?? callHint}</p>
    </>
  );
}

interface TokenProps extends Pick<ActionsProps, 'isHere' | 'token' | 'onChanged'> {}

export function VideoActions({ item, ...rest }: TokenProps & { readonly item: VideoItem }) {
  const words = useWords();
  return (
    <Actions
      {...rest}
      path={`api/videos/${item.id}`}
      call={item.call}
      callHint={words.callHint}
      prompt={item.request.prompt}
      file={item.file}
      link={item.link?.url}
      isCancellable={item.status === 'queued'}
    />
  );
}

export function FilmActions({ detail, ...rest }: TokenProps & { readonly detail: FilmDetail }) {
  const words = useWords();
  const { item, call, hasUnsent } = detail;
  return (
    <Actions
      {...rest}
      path={`api/films/${item.id}`}
      call={call}
      callHint={words.films.callHint}
      file={item.file}
      isCancellable={hasUnsent}
    />
  );
}
