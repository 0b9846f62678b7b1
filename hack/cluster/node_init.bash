#!/bin/bash
# First process of a node (process 1 of its pid namespace): gives the node its own view of the machine's folders,
# says so through a file, then reaps orphans until it is killed, and the whole node with it.
# usage: node_init.bash NODE_NAME NODE_DIR VISIBLE_DIR...   (what the node needs of the host's /var/lib)
set -eu
node=$1 dir=$2
shift 2

mount --make-rprivate /
mount -t proc proc /proc
echo "$node" >/proc/sys/kernel/hostname
echo 1 >/proc/sys/net/ipv4/ip_forward
mount --bind "$dir/run" /run
mount --bind "$dir/log" /var/log
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$dir/etc/upper,workdir=$dir/etc/work" /etc

# /var/lib holds only what is the node's own, and what its programs are started with at the paths that the host knows.
mount -t tmpfs -o mode=755 ts-kubernetes "$dir/varlib"
mkdir -p "$dir/varlib/kubelet" "$dir/varlib/containerd" "$dir/varlib/cni"
mount --bind "$dir/kubelet" "$dir/varlib/kubelet"
mount --bind "$dir/containerd" "$dir/varlib/containerd"
mount --bind "$dir/cni" "$dir/varlib/cni"
for visible in "$@"; do
  case $visible in
  /var/lib/*)
    mkdir -p "$dir/varlib/${visible#/var/lib/}"
    mount --rbind "$visible" "$dir/varlib/${visible#/var/lib/}"
    ;;
  esac
done
mount --rbind "$dir/varlib" /var/lib
mount --make-rshared /

echo "$node" >/run/node-is-up

# bash reaps whatever is orphaned in the node while it waits.
trap 'exit 0' TERM
while :; do
  sleep 86400 &
  wait $! || :
done
