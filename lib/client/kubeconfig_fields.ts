import { KubeconfigError } from './client_config.ts';

/** An object of the file whose fields are checked as they are read. Unknown fields are ignored, as kubectl does. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #file: string;
  readonly #path: string;

  constructor(value: unknown, file: string, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const where = path === '' ? file : `${file}: field "${path}"`;
      throw new KubeconfigError(`${where}: got ${shown(value)}, want an object`);
    }
    this.#values = Object.fromEntries(Object.entries(value));
    this.#file = file;
    this.#path = path;
  }

  at(field: string): string {
    return `${this.#file}: field "${this.#path === '' ? '' : `${this.#path}.`}${field}"`;
  }

  wrong(field: string, got: unknown, want: string): KubeconfigError {
    return new KubeconfigError(`${this.at(field)}: got ${shown(got)}, want ${want}`);
  }

  names(): readonly string[] {
    return Object.keys(this.#values);
  }

  string(field: string): string | undefined {
    const value = this.#get(field);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw this.wrong(field, value, 'a string');
    return value;
  }

  required(field: string): string {
    const value = this.string(field);
    if (value === undefined || value === '') throw this.wrong(field, value, 'a string that is not empty');
    return value;
  }

  boolean(field: string): boolean | undefined {
    const value = this.#get(field);
    if (value === undefined) return undefined;
    if (typeof value !== 'boolean') throw this.wrong(field, value, 'true or false');
    return value;
  }

  strings(field: string): readonly string[] {
    return this.#array(field).map((value, i) => {
      if (typeof value !== 'string') throw this.wrong(`${field}[${i}]`, value, 'a string');
      return value;
    });
  }

  object(field: string): Fields | undefined {
    const value = this.#get(field);
    return value === undefined ? undefined : this.#child(field, value);
  }

  objects(field: string): readonly Fields[] {
    return this.#array(field).map((value, i) => this.#child(`${field}[${i}]`, value));
  }

  /** The `inner` object of the list entry with that name. */
  named(list: string, name: string, inner: string): Fields {
    const entries = this.objects(list);
    const entry = entries.find((e) => e.string('name') === name);
    const found = entry?.object(inner);
    if (found === undefined) {
      const names = entries.map((e) => JSON.stringify(e.string('name') ?? '')).join(', ');
      throw new KubeconfigError(
        `${this.at(list)}: no ${inner} named ${JSON.stringify(name)}; there ${names === '' ? 'is none' : `are: ${names}`}`,
      );
    }
    return found;
  }

  #child(field: string, value: unknown): Fields {
    return new Fields(value, this.#file, this.#path === '' ? field : `${this.#path}.${field}`);
  }

  #array(field: string): readonly unknown[] {
    const value = this.#get(field);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.wrong(field, value, 'a list');
    return value as readonly unknown[];
  }

  #get(field: string): unknown {
    const value = Object.hasOwn(this.#values, field) ? this.#values[field] : undefined;
    return value === null ? undefined : value;
  }
}

// Values of secrets are never of a wrong type in a way worth printing: name the type of anything long.
function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
