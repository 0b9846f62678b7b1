#!/bin/bash
# Moves itself into control groups, then becomes a program: enter.bash CGROUP_PROCS_FILE... -- PROGRAM ARGUMENT...
set -eu
while [ "$1" != -- ]; do
  echo $$ >"$1"
  shift
done
shift
exec "$@"
