/** Files of a cluster's objects: YAML with several documents, JSON, lists, and the folders that kubectl dumps. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { errorMessage } from '../../base/errors.ts';
import { KUBERNETES_YAML } from '../../component/config/document.ts';
import { isObject } from '../../component/config/schema.ts';

/** What was given cannot be simulated: one sentence that names file, document and field. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** One object as it stands in a file. */
export interface Found {
  readonly object: Readonly<Record<string, unknown>>;
  /** `pods.yaml, document 2`, for messages. */
  readonly where: string;
}

const READABLE = /\.(ya?ml|json)$/;

/**
 * @param paths files, folders (read with all below them), `-` for standard input
 * @throws InputError
 */
export function readObjects(paths: readonly string[], stdin: () => string): readonly Found[] {
  return paths.flatMap((path) => {
    if (path === '-') return parseObjects(stdin(), 'standard input');
    const files = filesOf(path);
    if (files.length === 0) throw new InputError(`${path}: holds no file that ends in .yaml, .yml or .json`);
    return files.flatMap((file) => parseObjects(textOf(file), file));
  });
}

function filesOf(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const inside = join(path, entry.name);
        if (entry.isDirectory()) return filesOf(inside);
        return READABLE.test(entry.name) ? [inside] : [];
      });
  } catch (err) {
    throw new InputError(`${path}: cannot be read: ${errorMessage(err)}`, { cause: err });
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    throw new InputError(`${file}: cannot be read: ${errorMessage(err)}`, { cause: err });
  }
}

/**
 * The objects of one text, lists taken apart. JSON is told from YAML by its first character.
 *
 * @throws InputError
 */
export function parseObjects(text: string, source: string): readonly Found[] {
  const documents = /^\s*[{[]/.test(text) ? parseJson(text, source) : parseYaml(text, source);
  return documents.flatMap(({ value, where }) => {
    if (Array.isArray(value)) return value.map((item, i) => found(item, `${where}, item ${i}`));
    const document = found(value, where);
    const { kind, items } = document.object;
    if (typeof kind !== 'string' || !kind.endsWith('List')) return [document];
    if (items === null || items === undefined) return []; // an empty list of kubectl cluster-info dump
    if (!Array.isArray(items)) throw new InputError(`${where}: field "items": want a list`);
    // Items of a typed list may leave out what they are.
    const implied =
      kind === 'List'
        ? {}
        : {
            kind: kind.slice(0, -'List'.length),
            ...('apiVersion' in document.object ? { apiVersion: document.object['apiVersion'] } : {}),
          };
    return items.map((item: unknown, i: number) => {
      const { object, where: place } = found(item, `${where}, items[${i}]`);
      return { object: { ...implied, ...object }, where: place };
    });
  });
}

function found(value: unknown, where: string): Found {
  if (!isObject(value))
    throw new InputError(`${where}: want an API object with apiVersion, kind and metadata`);
  return { object: value, where };
}

interface Parsed {
  readonly value: unknown;
  readonly where: string;
}

function parseYaml(text: string, source: string): readonly Parsed[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...KUBERNETES_YAML, lineCounter: lines });
  if ('empty' in documents) return [];
  return documents.flatMap((document, i) => {
    const where = documents.length === 1 ? source : `${source}, document ${i + 1}`;
    const [problem] = document.errors;
    if (problem !== undefined)
      throw new InputError(`${where}: ${problem.message.split('\n')[0]?.replace(/:$/, '')}`);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (err) {
      throw new InputError(`${where}: ${errorMessage(err)}`, { cause: err });
    }
    return value === null || value === undefined ? [] : [{ value, where }];
  });
}

/** One JSON value, or several one after the other as `kubectl cluster-info dump` prints them. */
function parseJson(text: string, source: string): readonly Parsed[] {
  try {
    const value: unknown = JSON.parse(text);
    return [{ value, where: source }];
  } catch (err) {
    const parts = topLevelValues(text);
    if (parts.length < 2) throw new InputError(`${source}: ${errorMessage(err)}`, { cause: err });
    return parts.map((part, i) => {
      const where = `${source}, document ${i + 1}`;
      try {
        const value: unknown = JSON.parse(part);
        return { value, where };
      } catch (problem) {
        throw new InputError(`${where}: ${errorMessage(problem)}`, { cause: problem });
      }
    });
  }
}

/** The objects and arrays at the top, whatever stands between them (logs, in a dump to standard output). */
function topLevelValues(text: string): readonly string[] {
  const values: string[] = [];
  let depth = 0;
  let begin = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inText) {
      if (c === '\\') i++;
      else if (c === '"') inText = false;
      continue;
    }
    // Between values, a bracket counts only at the start of a line.
    if (depth === 0 && !((c === '{' || c === '[') && (i === 0 || text[i - 1] === '\n'))) continue;
    if (c === '"') inText = true;
    else if (c === '{' || c === '[') {
      if (depth++ === 0) begin = i;
    } else if ((c === '}' || c === ']') && --depth === 0) values.push(text.slice(begin, i + 1));
  }
  return depth > 0 ? [...values, text.slice(begin)] : values;
}
