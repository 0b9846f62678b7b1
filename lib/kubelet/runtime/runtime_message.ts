import { errorMessage } from '../../base/errors.ts';
import { CriError } from '../../cri/errors.ts';

/** As stock prints an error of the runtime: code and description. */
export function rpcMessage(error: unknown): string {
  return error instanceof CriError ? error.rpcMessage : errorMessage(error);
}

/** What the runtime says, without its code: as stock shows it for containers that cannot be created or started. */
export function runtimeMessage(error: unknown): string {
  return error instanceof CriError ? error.message : errorMessage(error);
}

/** What the runtime says about a pull: without a code that says nothing. */
export function pullMessage(error: unknown): string {
  return error instanceof CriError && error.code === 'UNKNOWN' ? error.message : rpcMessage(error);
}
