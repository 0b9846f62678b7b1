/** Specs that cannot pass on the machine, each with its reason: test/conformance/known.yaml. */
import { parse } from 'yaml';
import { isRecord } from './json.ts';

/** A bad known.yaml; the message names the entry. */
export class KnownError extends Error {
  override readonly name = 'KnownError';
}

/** Reasons by spec name. A reason says what the machine lacks, in a sentence. */
export function parseKnown(text: string): Map<string, string> {
  const value: unknown = parse(text);
  const reasons = new Map<string, string>();
  if (value === null) return reasons;
  if (!Array.isArray(value)) throw new KnownError('known.yaml: want a list of entries with reason and specs');
  for (const [index, entry] of value.entries()) {
    const reason: unknown = isRecord(entry) ? entry['reason'] : undefined;
    const specs: unknown = isRecord(entry) ? entry['specs'] : undefined;
    if (typeof reason !== 'string' || reason.trim() === '')
      throw new KnownError(`known.yaml: entry ${index + 1}: want a reason in words`);
    if (!Array.isArray(specs) || specs.length === 0)
      throw new KnownError(`known.yaml: entry ${index + 1}: want a list of specs`);
    for (const spec of specs) {
      if (typeof spec !== 'string') throw new KnownError(`known.yaml: entry ${index + 1}: a spec is a name`);
      if (reasons.has(spec))
        throw new KnownError(`known.yaml: entry ${index + 1}: ${spec} has a reason already`);
      reasons.set(spec, reason.trim().replaceAll(/\s+/g, ' '));
    }
  }
  return reasons;
}
