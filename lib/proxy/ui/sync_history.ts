/** The last times that changes were brought into force, for people who look. */
import { errorMessage } from '../../base/errors.ts';
import type { SyncReport } from '../family_proxy.ts';
import type { Family } from '../model/address.ts';
import type { UiSync } from './page_data.ts';

const KEPT = 50;

export class SyncHistory {
  readonly #syncs: UiSync[] = [];
  // At its start a proxy finds other rules than its own as a rule.
  readonly #begun = new Set<Family>();

  readonly add = ({ family, at, milliseconds, outcome }: SyncReport): void => {
    this.#syncs.unshift({ family, at, milliseconds, ...wordsOf(outcome, this.#begun.has(family)) });
    this.#begun.add(family);
    this.#syncs.length = Math.min(this.#syncs.length, KEPT);
  };

  /** The proxy starts again, with another configuration; what was is kept. */
  beginAnew(): void {
    this.#begun.clear();
  }

  /** Latest first. */
  latest(): readonly UiSync[] {
    return [...this.#syncs];
  }
}

function wordsOf(
  outcome: SyncReport['outcome'],
  begun: boolean,
): Omit<UiSync, 'family' | 'at' | 'milliseconds'> {
  if ('error' in outcome)
    return { full: false, sent: 0, note: errorMessage(outcome.error), failed: true, refused: [] };
  const { full, repaired, fellBack, rejected, sent } = outcome;
  const notes = [
    ...(fellBack === true ? ['the changes alone were refused, all was sent'] : []),
    ...(repaired && begun ? ['the kernel had other rules; repaired'] : []),
    ...rejected.map(({ id, error }) => `${id} refused: ${errorMessage(error)}`),
  ];
  return {
    full,
    sent: Object.values(sent).reduce((sum, count) => sum + count, 0),
    note: notes.join('; '),
    failed: false,
    refused: rejected.map(({ id }) => id),
  };
}
