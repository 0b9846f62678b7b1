import { status } from '@grpc/grpc-js';

/** Names of gRPC status codes (https://grpc.io/docs/guides/status-codes/), `OK` left out. */
export type CriCode = Exclude<keyof typeof status, 'OK'>;

/** A CRI call failed: `code` says how, the message is the runtime's own. */
export class CriError extends Error {
  override readonly name = 'CriError';
  readonly code: CriCode;
  /** CRI method, for example `RunPodSandbox`. */
  readonly method: string;

  constructor(method: string, code: CriCode, details: string, options?: ErrorOptions) {
    super(details, options);
    this.method = method;
    this.code = code;
  }

  /** As stock components print it (`rpc error: code = NotFound desc = ...`): what users grep for in events. */
  get rpcMessage(): string {
    return `rpc error: code = ${goCodeName(this.code)} desc = ${this.message}`;
  }
}

/** True for a {@link CriError} with one of the codes. */
export function isCriError(error: unknown, ...codes: readonly CriCode[]): error is CriError {
  return error instanceof CriError && (codes.length === 0 || codes.includes(error.code));
}

/** gRPC's code number to its name; numbers outside the specification are `UNKNOWN`. */
export function codeName(code: number): CriCode {
  const name = status[code];
  return isCode(name) ? name : 'UNKNOWN';
}

function isCode(name: string | undefined): name is CriCode {
  return name !== undefined && name !== 'OK' && name in status;
}

// CANCELLED is the one code that Go spells differently.
function goCodeName(code: CriCode): string {
  if (code === 'CANCELLED') return 'Canceled';
  return code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
