/** Functions of the C library, for what Node has no interface for: called through koffi. */
import koffi from 'koffi';

type CLibrary = ReturnType<typeof koffi.load>;

/** @param declare the functions, by their prototypes; called once, when they are first needed */
export function cFunctions<T>(declare: (library: CLibrary) => T): () => T {
  let declared: T | undefined;
  // The C library is part of the running program.
  return () => (declared ??= declare(koffi.load(null)));
}

/** The symbol of an error number, such as ECONNREFUSED. */
export function errnoSymbol(errno: number): string {
  return Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}
