/** A text after expansion, and the names that had no value. */
export interface Expanded {
  readonly text: string;
  readonly missing: readonly string[];
}

/**
 * Expands `$(NAME)`. `$$` stands for one `$`, so that `$$(NAME)` comes out as `$(NAME)`; a reference without a value, or
 * without its closing parenthesis, stays as it is. Values are not expanded again.
 */
export function expandVariables(text: string, env: ReadonlyMap<string, string>): string {
  return expandStrict(text, env).text;
}

/** As {@link expandVariables}, telling which names had no value. */
export function expandStrict(text: string, env: ReadonlyMap<string, string>): Expanded {
  let out = '';
  let at = 0;
  const missing: string[] = [];
  for (;;) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar === text.length - 1) return { text: out + text.slice(at), missing };
    out += text.slice(at, dollar);
    const next = text.charAt(dollar + 1);
    const close = next === '(' ? text.indexOf(')', dollar + 2) : -1;
    if (next === '$') {
      out += '$';
      at = dollar + 2;
    } else if (close >= 0) {
      const name = text.slice(dollar + 2, close);
      const value = env.get(name);
      if (value === undefined) missing.push(name);
      out += value ?? text.slice(dollar, close + 1);
      at = close + 1;
    } else {
      out += `$${next}`;
      at = dollar + 2;
    }
  }
}
