/** First Node.js major version that runs the bundles. */
export const MIN_NODE_MAJOR = 24;

/**
 * The head of an executable: a shell script to the kernel, one string expression and a comment to JavaScript. It starts
 * the file's own text with, in this order: `TSK_NODE`; the Node pinned by the checkout (`pinnedNode`, relative to the
 * executable); a `node` lying beside the executable (images, packages); `node` on PATH when new enough. exec replaces
 * the shell, so the process id, signals and exit code are the daemon's own; its argument 0 is the path that it was
 * started by, which may be a link to the file, where a shell that can set it is at hand.
 *
 * Threads share two arenas of the C library: each of their own keeps what was freed in it, some tens of MB in all.
 *
 * @param pinnedNode path of the pinned Node relative to the folder of the executable
 * @param nodeOptions options of Node.js, which come before those that it is told at the start
 */
export function launcher(pinnedNode: string, nodeOptions: readonly string[] = []): string {
  for (const word of [pinnedNode, ...nodeOptions])
    if (!/^[\w./=-]+$/.test(word))
      throw new Error(`launcher: "${word}" has characters outside A-Z a-z 0-9 . _ / = -`);
  const script = [
    'f=$0',
    'test -L "$f" && f=$(readlink -f -- "$f")',
    'd=${f%/*}',
    'n=${TSK_NODE:-}',
    `test -n "$n" || { n=$d/${pinnedNode}; test -x "$n" || n=$d/node; test -x "$n" || n=; }`,
    'if test -z "$n"; then n=$(command -v node) ' +
      `|| { echo "\${0##*/}: no Node.js found: set TSK_NODE to a Node.js ${MIN_NODE_MAJOR} or newer, or run npm ci in the checkout" >&2; exit 1; }`,
    'v=$("$n" --version)',
    'v=${v#v}',
    `test "\${v%%.*}" -ge ${MIN_NODE_MAJOR} 2>/dev/null ` +
      `|| { echo "\${0##*/}: $n is Node.js \${v:-of unknown version}, want ${MIN_NODE_MAJOR} or newer: set TSK_NODE, or run npm ci in the checkout" >&2; exit 1; }`,
    'fi',
    'export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"',
    ['set -- "$n"', ...nodeOptions, '"$0" "$@"'].join(' '),
    // pidof looks at argument 0, which dash cannot set. bash would read a file of its user's or BASH_ENV first.
    'if (exec -a true true) 2>/dev/null; then exec -a "$0" "$@"; fi',
    'b=$(command -v bash) && exec "$b" --norc -p -c \'exec -a "$0" "$@"\' "$0" "$@"',
    'exec "$@"',
  ];
  return `#!/bin/sh\n':' //; ${script.join('; ').replaceAll('then; ', 'then ')}\n`;
}
