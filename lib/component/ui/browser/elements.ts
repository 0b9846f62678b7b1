/** Elements of a page. Values of the cluster come in as text only, never as markup. */

type Child = Node | string | number;

export interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly onclick?: () => void;
  readonly [attribute: string]: string | number | (() => void) | undefined;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.map((c) => (typeof c === 'number' ? String(c) : c)));
  return made;
}

export function drawing(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (Node | string)[]
): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export function section(title: string, note: string, ...children: readonly Child[]): HTMLElement {
  return element('section', {}, element('h2', {}, title, ' ', element('small', {}, note)), ...children);
}

export function tile(name: string, value: string | number, look = ''): HTMLElement {
  return element('div', { class: 'tile' }, element('b', { class: look }, value), element('span', {}, name));
}

/** Columns whose heading begins with `#` hold numbers. */
export function table(headings: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  const isNumber = headings.map((h) => h.startsWith('#'));
  const head = headings.map((h, i) =>
    element('th', isNumber[i] === true ? { class: 'number' } : {}, h.replace(/^#/, '')),
  );
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...row.map((cell, i) => element('td', { class: isNumber[i] === true ? 'number' : 'wrap' }, cell)),
    ),
  );
  return element(
    'div',
    { class: 'scroll', tabindex: 0 },
    element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body)),
  );
}

export function link(text: string, onclick: () => void): HTMLElement {
  return element('button', { class: 'link', type: 'button', onclick }, text);
}
