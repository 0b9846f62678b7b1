/** Label selectors, from API objects (`matchLabels`, `matchExpressions`) and from text (`app=web,tier in (a,b)`). */
import { labelKeyProblem, labelValueProblem } from './label_syntax.ts';
import { isRequirementOperator, requirementMatches, valuesProblem } from './requirement.ts';
import type { Labels, Requirement, RequirementOperator } from './requirement.ts';
import type { LabelSelector } from './types.ts';

/** A selector that cannot be: the message names the part and what is allowed. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

/** Chooses objects by their labels: all requirements must hold. */
export class Selector {
  /** Sorted by key. */
  readonly requirements: readonly Requirement[];
  readonly #never: boolean;

  constructor(requirements: readonly Requirement[], never = false) {
    this.requirements = requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.#never = never;
  }

  /** Matches every object. */
  static readonly everything = new Selector([]);
  /** Matches no object. */
  static readonly nothing = new Selector([], true);

  matches(labels: Labels | undefined): boolean {
    if (this.#never) return false;
    const present = labels ?? {};
    for (const requirement of this.requirements) if (!requirementMatches(requirement, present)) return false;
    return true;
  }

  get isEverything(): boolean {
    return !this.#never && this.requirements.length === 0;
  }

  get isNothing(): boolean {
    return this.#never;
  }

  /** In the syntax that {@link parseLabelSelector} and the API's `labelSelector` parameter read. */
  toString(): string {
    return this.requirements.map(formatRequirement).join(',');
  }
}

/**
 * The selector of an API object. As in the API, a missing one matches nothing and an empty one everything.
 *
 * @throws SelectorError
 */
export function labelSelector(selector: LabelSelector | undefined | null): Selector {
  if (selector === undefined || selector === null) return Selector.nothing;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push(equality(key, 'In', value, `matchLabels[${JSON.stringify(key)}]`));
  }
  for (const [i, { key, operator, values }] of (selector.matchExpressions ?? []).entries()) {
    const where = `matchExpressions[${i}]`;
    if (!isRequirementOperator(operator) || operator === 'Gt' || operator === 'Lt') {
      throw new SelectorError(
        `${where}.operator: got ${JSON.stringify(operator)}, want In, NotIn, Exists or DoesNotExist`,
      );
    }
    requirements.push(requirement(key, operator, values ?? [], where));
  }
  return requirements.length === 0 ? Selector.everything : new Selector(requirements);
}

/**
 * Reads `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key`, `!key`, `key>1`, `key<1`,
 * joined by commas. Empty text matches everything.
 *
 * @throws SelectorError
 */
export function parseLabelSelector(text: string): Selector {
  const tokens = tokenize(text);
  let at = 0;
  const fail = (wanted: string): never => {
    throw new SelectorError(
      `label selector ${JSON.stringify(text)}: found ${tokens[at] === undefined ? 'its end' : JSON.stringify(tokens[at])}, want ${wanted}`,
    );
  };
  const word = (wanted: string): string => {
    const token = tokens[at];
    if (token === undefined || PUNCTUATION.has(token)) return fail(wanted);
    at++;
    return token;
  };
  // A value may be missing (`a=`), which means the empty value.
  const value = (): string => {
    const token = tokens[at];
    return token === undefined || token === ',' || token === ')' ? '' : word('a value');
  };
  const list = (): string[] => {
    if (tokens[at] !== '(') fail('"("');
    at++;
    const values = [value()];
    while (tokens[at] === ',') {
      at++;
      values.push(value());
    }
    if (tokens[at] !== ')') fail('"," or ")"');
    at++;
    return values;
  };
  const one = (): Requirement => {
    if (tokens[at] === '!') {
      at++;
      return requirement(word('a label key'), 'DoesNotExist', [], text);
    }
    const key = word('a label key');
    const operator = tokens[at];
    if (operator === undefined || operator === ',') return requirement(key, 'Exists', [], text);
    at++;
    switch (operator) {
      case '=':
      case '==':
        return equality(key, 'In', value(), text);
      case '!=':
        return equality(key, 'NotIn', value(), text);
      case 'in':
        return requirement(key, 'In', list(), text);
      case 'notin':
        return requirement(key, 'NotIn', list(), text);
      case '>':
        return requirement(key, 'Gt', [value()], text);
      case '<':
        return requirement(key, 'Lt', [value()], text);
      default:
        at--;
        return fail('an operator: =, ==, !=, in, notin, > or <');
    }
  };
  if (tokens.length === 0) return Selector.everything;
  const requirements = [one()];
  while (at < tokens.length) {
    if (tokens[at] !== ',') fail('","');
    at++;
    requirements.push(one());
  }
  return new Selector(requirements);
}

const PUNCTUATION: ReadonlySet<string> = new Set(['(', ')', ',', '!', '=', '==', '!=', '<', '>']);

function tokenize(text: string): string[] {
  return text.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];
}

function requirement(
  key: string,
  operator: RequirementOperator,
  values: readonly string[],
  where: string,
): Requirement {
  const problem =
    describe('key', key, labelKeyProblem(key)) ??
    values.map((value) => describe('value', value, labelValueProblem(value))).find((p) => p !== undefined) ??
    valuesProblem(operator, values);
  if (problem !== undefined) throw new SelectorError(`label selector: ${where}: ${problem}`);
  return { key, operator, values: [...new Set(values)] };
}

function equality(key: string, operator: 'In' | 'NotIn', value: string, where: string): Requirement {
  return { ...requirement(key, operator, [value], where), asEquality: true };
}

function describe(what: string, text: string, problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : `${what} ${JSON.stringify(text)} ${problem}`;
}

function formatRequirement({ key, operator, values, asEquality }: Requirement): string {
  const list = (): string => values.toSorted().join(',');
  switch (operator) {
    case 'In':
      return asEquality === true ? `${key}=${list()}` : `${key} in (${list()})`;
    case 'NotIn':
      return asEquality === true ? `${key}!=${list()}` : `${key} notin (${list()})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
    case 'Lt':
      break;
  }
  return `${key}${operator === 'Gt' ? '>' : '<'}${values[0] ?? ''}`;
}
