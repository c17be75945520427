/** What can be done with a video from here: copying, showing its folder, withdrawing it from the queue. */
import type { VideoItem } from '../../api.ts';
import { act } from '../request.ts';
import { useWords } from '../words/choose.ts';
import { useAnnounce } from './announcer.tsx';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icons.tsx';

interface ActionsProps {
  readonly item: VideoItem;
  /** Undefined until the server gave it. */
  readonly token: string | undefined;
  readonly onChanged: () => void;
}

export function Actions({ item, token, onChanged }: ActionsProps) {
  const words = useWords();
  const announce = useAnnounce();
  const { call, request, file, link } = item;
  const run = async (action: 'cancel' | 'folder', done: string, failed: string) => {
    await act(`/api/videos/${item.id}/${action}`, token ?? '').then(
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
        {request.prompt !== undefined && <CopyButton text={request.prompt} label={words.copyPrompt} />}
        {file !== undefined && <CopyButton text={file.path} label={words.copyPath} />}
        {file !== undefined && !file.isMissing && (
          <button type="button" onClick={() => run('folder', words.folderOpened, words.folderFailed)}>
            <Icon name="folder" />
            <span>{words.openFolder}</span>
          </button>
        )}
        {file === undefined && link !== undefined && <CopyButton text={link.url} label={words.copyLink} />}
        {item.status === 'queued' && (
          <button type="button" class="danger" onClick={() => run('cancel', words.withdrawn, words.notWithdrawn)}>
            <Icon name="withdraw" />
            <span>{words.cancel}</span>
          </button>
        )}
      </div>
      <p class="faint">{lacks ?? words.callHint}</p>
    </>
  );
}
