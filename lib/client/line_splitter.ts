const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Works on bytes, so that chunk boundaries may fall anywhere, inside a character of
 * several bytes too. What follows the last newline stays here, and is dropped with the splitter when the connection
 * dies: it was never a whole line.
 */
export class LineSplitter {
  #rest: Buffer[] = [];

  /** Calls `onLine` for each line completed by `chunk`, without its newline; empty lines are skipped. */
  push(chunk: Uint8Array, onLine: (line: string) => void): void {
    const bytes = Buffer.isBuffer(chunk)
      ? chunk
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end === -1) break;
      const line =
        this.#rest.length === 0
          ? bytes.toString('utf8', start, end)
          : this.#completed(bytes.subarray(start, end));
      start = end + 1;
      if (line !== '') onLine(line);
    }
    // A view would keep the whole chunk alive; that is fine until the next one arrives.
    if (start < bytes.length) this.#rest.push(bytes.subarray(start));
  }

  #completed(tail: Buffer): string {
    const line = Buffer.concat([...this.#rest, tail]).toString('utf8');
    this.#rest = [];
    return line;
  }
}
