/** One condition on a set of labels, the part that label selectors and node selectors have in common. */

export type RequirementOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

export type Labels = Readonly<Record<string, string>>;

export interface Requirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  /** At least one for In and NotIn, exactly one (an integer) for Gt and Lt, none for the others. */
  readonly values: readonly string[];
  /** An In or NotIn of one value that was written `=` or `!=`, and is so again as text. */
  readonly asEquality?: true;
}

const OPERATORS: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']);

export function isRequirementOperator(text: string): text is RequirementOperator {
  return OPERATORS.has(text);
}

/** Why `values` do not fit the operator, or undefined when they do. */
export function valuesProblem(operator: RequirementOperator, values: readonly string[]): string | undefined {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0 ? `values must not be empty for operator ${operator}` : undefined;
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0 ? `values must be empty for operator ${operator}` : undefined;
    case 'Gt':
    case 'Lt':
      break;
  }
  return values.length === 1 && parseInteger(values[0]) !== undefined
    ? undefined
    : `values must be one integer for operator ${operator}`;
}

/** Whether `labels` fulfil the condition. NotIn and DoesNotExist hold where the key is missing. */
export function requirementMatches({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt':
      break;
  }
  const have = parseInteger(value);
  const limit = parseInteger(values[0]);
  if (have === undefined || limit === undefined) return false;
  return operator === 'Gt' ? have > limit : have < limit;
}

// 64-bit, as the API reads them.
function parseInteger(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
