#!/bin/sh
# Makes the root file system of a node and becomes its first process.
# Arguments: the cluster's folder, the node's name, Debian's folder, the folder of programs, the clone, the number of nodes.
set -eu
state=$1/nodes/$2 volumes=$1/volumes images=$1/images name=$2 debian=$3 programs=$4 clone=$5

# What the node writes into its own system is gone with it; its data is in folders of the cluster's.
mkdir -p "$state/root" "$state/containerd" "$state/kubelet" "$state/logs" "$state/pods"
mount -t tmpfs -o mode=0755 tmpfs "$state/root"
cd "$state/root"
mkdir upper work merged settings
mount -t overlay -o "lowerdir=$debian,upperdir=upper,workdir=work" overlay merged
cd merged
mkdir -p proc sys dev run tmp old etc/kubernetes etc/cni/net.d opt/programs opt/clone opt/images \
  var/lib/containerd var/lib/kubelet var/lib/volumes var/log/pods var/log/node
mount -t proc proc proc
# The kubelet sets these for the whole machine, unless it finds them so (k8s.io/component-helpers, node/util/sysctl).
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$state/root/settings/${setting##*/}
  echo "${setting#*=}" > "$file"
  mount --bind "$file" "proc/sys/${setting%=*}"
done
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$state/pki" etc/kubernetes
mount --bind "$state/containerd" var/lib/containerd
mount --bind "$state/kubelet" var/lib/kubelet
mount --bind "$state/pods" var/log/pods
mount --bind "$state/logs" var/log/node
mount --bind "$volumes" var/lib/volumes
mount --bind "$images" opt/images
mount --bind "$programs" opt/programs
mount --bind "$clone" opt/clone
echo "$name" > proc/sys/kernel/hostname
pivot_root . old
umount -l /old
# Mounts that pods share with each other pass through here.
mount --make-rshared /
exec env -i HOME=/run LANG=C.UTF-8 PATH=/opt/programs:/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=/opt/clone \
  PYTHONDONTWRITEBYTECODE=1 python3 -m tools.nodes.node "$name" "$1" "$6"
