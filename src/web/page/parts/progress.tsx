/** How far something is. */

/** @param share 0 to 1; undefined: not known */
export function Progress({ share }: { readonly share: number | undefined }) {
  return (
    <span class={`progress ${share === undefined ? 'unknown' : ''}`}>
      <span style={{ width: `${Math.round((share ?? 0.3) * 100)}%` }} />
    </span>
  );
}
