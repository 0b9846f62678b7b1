/**
 * Declarative command-line flags. A daemon declares its flags as an object from flag name to {@link Flag}; parsing gives
 * an object of typed values under the same names. Spellings as in the stock components: `--name=value`, `--name value`,
 * `--bool`, `--bool=false`, `-v 4`, `-v=4`, `-v4`; `_` in a name counts as `-`; `--` ends the flags.
 */
import type { Flag } from './flag_types.ts';
import { FlagValueError } from './flag_types.ts';
import { nearNames } from './near_names.ts';

/** Flag name to declaration. */
export type FlagDefinitions = Readonly<Record<string, Flag<unknown>>>;

/** Flag name to value. */
export type FlagValues<D extends FlagDefinitions> = {
  readonly [N in keyof D]: D[N]['default'];
};

/** What a command line said. */
export interface ParsedFlags<D extends FlagDefinitions> {
  /** The value of every declared flag: given, or its default. */
  readonly values: FlagValues<D>;
  /** Whether the flag was on the command line (and so overrides the config file). */
  isSet(name: keyof D & string): boolean;
  /** Arguments that are no flags. */
  readonly args: readonly string[];
  /** One sentence for each deprecated flag given and each name spelt with underscores. */
  readonly warnings: readonly string[];
}

/** The command line is wrong; the message names the flag, its value and what is wanted. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/** Gives a set of declarations its exact type, so that values are typed by name. */
export function defineFlags<const D extends FlagDefinitions>(definitions: D): D {
  return definitions;
}

/**
 * @param argv arguments without the program name
 * @throws FlagError at the first wrong argument
 */
export function parseFlags<D extends FlagDefinitions>(
  definitions: D,
  argv: readonly string[],
): ParsedFlags<D> {
  const shorthands = new Map<string, string>();
  for (const [name, f] of Object.entries(definitions)) if (f.shorthand) shorthands.set(f.shorthand, name);
  const given = new Map<string, unknown>();
  const args: string[] = [];
  const warnings: string[] = [];

  const set = (name: string, shown: string, text: string): void => {
    const declared = definitions[name];
    if (declared === undefined) throw new FlagError(`unknown flag: ${shown}`);
    try {
      given.set(name, declared.parse(text, given.get(name)));
    } catch (err) {
      if (!(err instanceof FlagValueError)) throw err;
      throw new FlagError(`invalid argument "${text}" for "${shown}" flag: ${err.message}`, { cause: err });
    }
    if (declared.deprecated !== undefined) {
      const warning = `Flag --${name} has been deprecated, ${declared.deprecated}`;
      if (!warnings.includes(warning)) warnings.push(warning);
    }
  };
  const shownName = (name: string): string => {
    const shorthand = definitions[name]?.shorthand;
    return shorthand ? `-${shorthand}, --${name}` : `--${name}`;
  };

  let i = 0;
  while (i < argv.length) {
    const arg = argv[i++] ?? '';
    if (arg === '--') {
      args.push(...argv.slice(i));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      args.push(arg);
      continue;
    }
    let name: string;
    let text: string | undefined;
    if (arg.startsWith('--')) {
      const at = arg.indexOf('=');
      const written = at < 0 ? arg.slice(2) : arg.slice(2, at);
      if (written === '' || written.startsWith('-')) throw new FlagError(`bad flag syntax: ${arg}`);
      text = at < 0 ? undefined : arg.slice(at + 1);
      name = written.replaceAll('_', '-');
      if (!Object.hasOwn(definitions, name))
        throw new FlagError(`unknown flag: --${written}${nearFlags(name, definitions)}`);
      if (name !== written)
        warnings.push(
          `${written} is DEPRECATED and will be removed in a future version. Use ${name} instead.`,
        );
    } else {
      const letter = arg.slice(1, 2);
      const found = shorthands.get(letter);
      if (found === undefined) throw new FlagError(`unknown shorthand flag: '${letter}' in ${arg}`);
      name = found;
      const rest = arg.slice(2);
      if (rest !== '') text = rest.startsWith('=') ? rest.slice(1) : rest;
    }
    if (text === undefined) {
      const bare = definitions[name]?.bare;
      if (bare !== undefined) text = bare;
      else if (i < argv.length) text = argv[i++] ?? '';
      else
        throw new FlagError(
          `flag needs an argument: ${arg.startsWith('--') ? `--${name}` : `'${arg.slice(1, 2)}' in ${arg}`}`,
        );
    }
    set(name, shownName(name), text);
  }

  const values = Object.fromEntries(
    Object.entries(definitions).map(([name, f]) => [name, given.has(name) ? given.get(name) : f.default]),
  );
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same keys, each with its own parse or default
    values: values as FlagValues<D>,
    isSet: (name) => given.has(name),
    args,
    warnings,
  };
}

/** Every flag as `name=value`, as klog-style start-up logs and /flagz show them. */
export function formatFlags<D extends FlagDefinitions>(
  definitions: D,
  parsed: ParsedFlags<D>,
): Map<string, string> {
  const entries = Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(entries.map(([name, f]) => [name, f.format(parsed.values[name])]));
}

/** The flags part of `--help`, by section in order of declaration, names sorted within a section. */
export function flagUsage(definitions: FlagDefinitions): string {
  const sections = new Map<string, string[]>();
  for (const [name, f] of Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (f.hidden) continue;
    const lead = f.shorthand ? `  -${f.shorthand}, --${name}` : `      --${name}`;
    const defaultText = f.format(f.default);
    const shown = f.type === 'string' && defaultText !== '' ? `"${defaultText}"` : defaultText;
    const suffix = ['', 'false', '0', '0s', '[]'].includes(defaultText) ? '' : ` (default ${shown})`;
    const deprecated = f.deprecated === undefined ? '' : ` (DEPRECATED: ${f.deprecated})`;
    const bare = f.bare !== undefined && f.type !== '' ? `[=${f.bare}]` : '';
    const lines = sections.get(f.section ?? '') ?? [];
    lines.push(
      `${lead}${f.type === '' ? '' : ` ${f.type}`}${bare}\n          ${f.help}${suffix}${deprecated}`,
    );
    sections.set(f.section ?? '', lines);
  }
  const order = [...new Set(Object.values(definitions).map((f) => f.section ?? ''))];
  return order
    .filter((section) => sections.has(section))
    .map(
      (section) =>
        `${section === '' ? 'Flags' : `${section} flags`}:\n\n${(sections.get(section) ?? []).join('\n')}\n`,
    )
    .join('\n');
}

function nearFlags(name: string, definitions: FlagDefinitions): string {
  const near = nearNames(name, Object.keys(definitions));
  return near.length === 0 ? '' : ` (did you mean ${near.map((n) => `--${n}`).join(' or ')}?)`;
}
