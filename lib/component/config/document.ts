/** Config files: YAML or JSON text to a decoded object, by apiVersion and kind. */
import { readFileSync } from 'node:fs';
import type { DocumentOptions, ParseOptions, SchemaOptions } from 'yaml';
import { isMap, isScalar, parseAllDocuments } from 'yaml';
import { errorMessage } from '../../base/errors.ts';
import type { Problem, Schema } from './schema.ts';
import { isObject } from './schema.ts';

/** A config is wrong. The message names the file, each field with its path, what it has and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[], options?: ErrorOptions) {
    super(`${source}: ${problems.map(problemText).join('; ')}`, options);
    this.problems = problems;
  }
}

function problemText(problem: Problem): string {
  return problem.path === '' ? problem.message : `field "${problem.path}": ${problem.message}`;
}

/** One version of a kind: how it decodes. */
export interface ConfigKind<T> {
  /** `kubelet.config.k8s.io/v1beta1` */
  readonly apiVersion: string;
  readonly kind: string;
  /** Of the fields beside apiVersion and kind. */
  readonly schema: Schema<T>;
}

/** How Kubernetes components read YAML. */
export const KUBERNETES_YAML: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  merge: true,
  uniqueKeys: true,
  // Base-60 numbers and timestamps are YAML 1.1 too, but no Kubernetes component reads them.
  customTags: (tags) =>
    tags.filter((t) => typeof t === 'string' || (t.format !== 'TIME' && !t.tag.endsWith(':timestamp'))),
};

/**
 * Parses one YAML (or JSON) document as the stock components read it: YAML 1.1 words for booleans, merge keys, no
 * timestamps, duplicate keys refused.
 *
 * @param source named in errors, e.g. the path of the file
 * @throws ConfigError
 */
export function parseDocument(text: string, source: string): unknown {
  const documents = parseAllDocuments(text, KUBERNETES_YAML);
  if ('empty' in documents) throw new ConfigError(source, [{ path: '', message: 'is empty' }]);
  const [document, ...others] = documents.filter((d) => d.errors.length > 0 || !isEmpty(d.contents));
  if (document === undefined) throw new ConfigError(source, [{ path: '', message: 'is empty' }]);
  const problems = documents
    .flatMap((d) => d.errors)
    .map((err) => ({ path: '', message: firstLine(err.message) }));
  if (problems.length > 0) throw new ConfigError(source, problems);
  if (others.length > 0)
    throw new ConfigError(source, [{ path: '', message: 'holds several documents, want one' }]);
  if (!isMap(document.contents))
    throw new ConfigError(source, [{ path: '', message: 'want a YAML or JSON object' }]);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (err) {
    // Unresolved aliases, or aliases that would blow the document up.
    throw new ConfigError(source, [{ path: '', message: errorMessage(err) }], { cause: err });
  }
}

/** Told of a field that is not known, in a kind whose stock component goes on without it. */
export type OnUnknownField = (problem: Problem) => void;

/**
 * Decodes an object by its apiVersion and kind.
 *
 * @param onUnknownField left out: a field that is not known is wrong
 * @throws ConfigError naming everything that is wrong
 */
export function decodeConfig<T>(
  object: unknown,
  source: string,
  kinds: readonly ConfigKind<T>[],
  onUnknownField?: OnUnknownField,
): T {
  if (!isObject(object)) throw new ConfigError(source, [{ path: '', message: 'want an object' }]);
  const { apiVersion, kind, ...fields } = object;
  const found = kinds.find((k) => k.apiVersion === apiVersion && k.kind === kind);
  if (found === undefined)
    throw new ConfigError(source, [{ path: '', message: wrongKind(apiVersion, kind, kinds) }]);
  return decodeFields(fields, `${source} (${found.kind})`, found.schema, onUnknownField);
}

/** Decodes an object that carries no apiVersion and kind of its own. @throws ConfigError */
export function decodeFields<T>(
  object: unknown,
  source: string,
  schema: Schema<T>,
  onUnknownField?: OnUnknownField,
): T {
  const problems: Problem[] = [];
  const decoded = schema.decode(object, '', problems);
  const tolerated = onUnknownField === undefined ? [] : problems.filter((p) => p.unknownField === true);
  if (problems.length > tolerated.length) throw new ConfigError(source, problems);
  for (const problem of tolerated) onUnknownField?.(problem);
  return decoded;
}

/** Reads and decodes a config file. @throws ConfigError also when the file cannot be read */
export function loadConfigFile<T>(
  path: string,
  kinds: readonly ConfigKind<T>[],
  onUnknownField?: OnUnknownField,
): T {
  return decodeConfig(parseDocument(readConfigFile(path), path), path, kinds, onUnknownField);
}

/** The text of a config file. @throws ConfigError naming the path */
export function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    throw new ConfigError(
      `config file ${path}`,
      [{ path: '', message: `cannot be read: ${errorMessage(err)}` }],
      {
        cause: err,
      },
    );
  }
}

/** The object as `--write-config-to` and /configz show it. */
export function encodeConfig<T>(value: T, kind: ConfigKind<T>): Readonly<Record<string, unknown>> {
  const encoded = kind.schema.encode(value);
  return { apiVersion: kind.apiVersion, kind: kind.kind, ...(isObject(encoded) ? encoded : {}) };
}

function wrongKind(apiVersion: unknown, kind: unknown, kinds: readonly ConfigKind<unknown>[]): string {
  const allowed = kinds.map((k) => `apiVersion "${k.apiVersion}" with kind "${k.kind}"`).join(' or ');
  if (typeof apiVersion !== 'string' || apiVersion === '')
    return `field "apiVersion" is required: want ${allowed}`;
  if (typeof kind !== 'string' || kind === '') return `field "kind" is required: want ${allowed}`;
  return `no kind "${kind}" in apiVersion "${apiVersion}": want ${allowed}`;
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function firstLine(text: string): string {
  const [line = text] = text.split('\n');
  return line.replace(/:$/, '');
}
