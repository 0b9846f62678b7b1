import type { Pod } from '../../api/types.ts';

/** The file (or its volume's directory) does not exist. */
export class EnvFileMissingError extends Error {
  override readonly name = 'EnvFileMissingError';
}

/** Reads and parses an env file from a volume of the pod. Rejects with {@link EnvFileMissingError} or another error. */
export type EnvFileReader = (
  pod: Pod,
  volumeName: string,
  path: string,
) => Promise<ReadonlyMap<string, string>>;

/**
 * Parses the env file format of Kubernetes (KEP-3721, beta): `NAME='value'`, the value literal up to the closing quote
 * (it may span lines), blank lines and lines that begin with `#` ignored. A later line of the same name wins.
 *
 * @throws Error naming the line
 */
export function parseEnvFile(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const content = text.slice(at, end).trim();
    if (content === '' || content.startsWith('#')) {
      at = end + 1;
      line++;
      continue;
    }
    const equals = text.indexOf('=', at);
    const name = text.slice(at, equals).trimStart();
    if (equals < 0 || equals > end || !/^[ -<>-~]+$/.test(name) || name !== name.trim()) {
      throw new Error(`env file line ${line}: want NAME='value'`);
    }
    const close = text.charAt(equals + 1) === "'" ? text.indexOf("'", equals + 2) : -1;
    if (close < 0)
      throw new Error(`env file line ${line}: the value of ${name} must be within single quotes`);
    const rest = text.slice(close + 1, lineEnd(text, close));
    if (rest.trim() !== '' && !/^\s+#/.test(rest)) {
      throw new Error(`env file line ${line}: unexpected text after the value of ${name}`);
    }
    variables.set(name, text.slice(equals + 2, close));
    const next = lineEnd(text, close) + 1;
    line += text.slice(at, next).split('\n').length - 1;
    at = next;
  }
  return variables;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
