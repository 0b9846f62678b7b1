import type { FileHandle } from 'node:fs/promises';

const BLOCK = 64 * 1024;
const LINE_FEED = 0x0a;

/** The offset at which the last `lines` lines of the first `size` bytes of a file begin. */
export async function tailOffset(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  const block = Buffer.alloc(BLOCK);
  let end = size;
  let found = 0;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      if (block[i] !== LINE_FEED || start + i === size - 1) continue; // the last line's own end does not count
      found++;
      if (found === lines) return start + i + 1;
    }
    end = start;
  }
  return 0;
}
