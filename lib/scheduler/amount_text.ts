/** Amounts for people. */

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** @param amount CPU in millicores, everything else in its own unit */
export function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return short(amount / 1000);
  if (resource !== 'memory' && resource !== 'ephemeral-storage' && !resource.startsWith('hugepages-'))
    return short(amount);
  let value = amount;
  let power = 0;
  while (value >= 1024 && power < BINARY.length - 1) {
    value /= 1024;
    power++;
  }
  return `${short(value)}${BINARY[power] ?? ''}`;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Whole per cent of `of`; 0 of nothing. */
export function share(amount: number, of: number): number {
  return of > 0 ? Math.round((amount * 100) / of) : amount > 0 ? 100 : 0;
}
