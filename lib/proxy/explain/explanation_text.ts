/** An explanation as text: nested names and values, as they come. */

/** @param answer what `/debug/explain` gave: plain data */
export function explanationText(answer: unknown): string {
  return `${lines(answer).join('\n')}\n`;
}

function lines(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      const [first = '', ...rest] = lines(item);
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
    });
  }
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (isEmpty(inner)) return [];
    if (typeof inner !== 'object' || inner === null) return [`${words(name)}: ${String(inner)}`];
    return [`${words(name)}:`, ...lines(inner).map((line) => `  ${line}`)];
  });
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

// servicePort: service port. Names of chains stay.
function words(name: string): string {
  return /^[a-z]+(?:[A-Z][a-z]+)*$/.test(name)
    ? name.replaceAll(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)
    : name;
}
