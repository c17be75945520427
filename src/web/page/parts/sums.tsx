/** What was spent. */
import type { Overview } from '../../api.ts';
import { money } from '../format.ts';
import { useWords } from '../words/choose.ts';

export function Sums({ overview }: { readonly overview: Overview }) {
  const words = useWords();
  const { spending, sandbox, isAccountKnown } = overview;
  if (sandbox) return <p class="sandbox">{words.sandbox}</p>;
  if (!isAccountKnown) return null;
  const { last24hFen, allTimeFen, pendingFen, budget } = spending;
  return (
    <dl class="sums">
      <Sum name={words.spent24h} amount={money(words, last24hFen)} />
      <Sum name={words.spentAll} amount={money(words, allTimeFen)} />
      {pendingFen > 0 && <Sum name={words.pending} amount={money(words, pendingFen)} />}
      {budget !== undefined && (
        <div>
          <dt class="unseen">{words.budgetLeft('', '')}</dt>
          <dd>{words.budgetLeft(money(words, budget.leftFen), money(words, budget.fen))}</dd>
        </div>
      )}
    </dl>
  );
}

function Sum({ name, amount }: { readonly name: string; readonly amount: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{amount}</dd>
    </div>
  );
}
