/** The few pictures of the page, drawn in the text's colour. */

const PATHS = {
  play: 'M8 5.2v13.6L19 12z',
  close: 'M6 6l12 12M18 6L6 18',
  previous: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.2 16.2L21 21',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  folder: 'M3 6h6l2 2.5h10V19H3z',
  withdraw: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.8 5.8l12.4 12.4',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17v.6',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon ${name === 'play' ? 'filled' : ''}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
