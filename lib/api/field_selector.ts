/** Field selectors: `spec.nodeName=n1,status.phase!=Succeeded`. */
import { SelectorError } from './selector.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Chooses objects by the values of fields: all requirements must hold. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  /** @param valueOf value of a field of the object in question; undefined counts as empty */
  matches(valueOf: (field: string) => string | undefined): boolean {
    return this.requirements.every(
      ({ field, operator, value }) => ((valueOf(field) ?? '') === value) === (operator === '='),
    );
  }

  /** In the syntax of the API's `fieldSelector` parameter. */
  toString(): string {
    return this.requirements
      .map(({ field, operator, value }) => `${field}${operator}${escape(value)}`)
      .join(',');
  }
}

/**
 * Reads `field=value`, `field==value` and `field!=value`, joined by commas. In values, `\`, `,` and `=` are
 * written with a backslash before them. Empty text matches everything.
 *
 * @throws SelectorError
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitUnescaped(text)) {
    if (term.trim() === '') continue;
    const match = /^([^=!,\\]+)(==|!=|=)(.*)$/s.exec(term);
    const [, field = '', operator = '', value = ''] = match ?? [];
    if (match === null) {
      throw new SelectorError(
        `field selector ${JSON.stringify(text)}: ${JSON.stringify(term)} must be field=value or field!=value`,
      );
    }
    requirements.push({ field, operator: operator === '!=' ? '!=' : '=', value: unescape(value, text) });
  }
  return new FieldSelector(requirements);
}

function splitUnescaped(text: string): string[] {
  return text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

function escape(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

function unescape(value: string, text: string): string {
  return value.replace(/\\(.?)|=/gs, (found: string, escaped: string | undefined) => {
    if (escaped !== undefined && escaped !== '' && '\\,='.includes(escaped)) return escaped;
    throw new SelectorError(
      `field selector ${JSON.stringify(text)}: ${JSON.stringify(found)} in a value: write \\\\, \\, or \\= for these characters`,
    );
  });
}
