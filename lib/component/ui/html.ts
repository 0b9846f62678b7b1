/** HTML put together from trusted text and values that are escaped. */

/** Markup that may stand in a page as it is. */
export interface Markup {
  readonly markup: string;
}

/** Tag for templates: everything put in is escaped, but for {@link Markup} and lists of it. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  let markup = strings[0] ?? '';
  for (const [i, value] of values.entries()) markup += render(value) + (strings[i + 1] ?? '');
  return { markup };
}

/** Text that is known to be harmless: of this program, not of the cluster. */
export function trusted(markup: string): Markup {
  return { markup };
}

function render(value: string | number | Markup | readonly Markup[]): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escapeHtml(value);
  if ('markup' in value) return value.markup;
  return value.map((v) => v.markup).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
