#!/bin/bash
# exits 0 if this machine can run the lab, else prints one line of why not and exits 1; changes nothing
. "$(dirname "$0")/env.sh"
no() { echo "lab not possible here: $*"; exit 1; }
[ "$(uname -s)/$(uname -m)" = Linux/x86_64 ] || no "needs Linux on x86_64, this is $(uname -s)/$(uname -m)"
[ "$(id -u)" = 0 ] || no "needs root"
if ! { [ -x "$WORK/bin/kubelet" ] && [ -x "$WORK/bin/kube-apiserver" ] && [ -x "$WORK/bin/kubectl" ]; }; then
  v=$(cd / && go env GOVERSION 2>/dev/null) || no "no Go to build the binaries with"
  v=${v#go}; [ "$(printf '1.26\n%s\n' "${v%%[!0-9.]*}" | sort -V | head -1)" = 1.26 ] || no "needs Go 1.26 or newer, this is $v"
fi
if [ ! -x "$ROOT/usr/sbin/criu" ]; then command -v debootstrap >/dev/null || command -v apt-get >/dev/null || no "neither debootstrap nor apt-get to make the root with"; fi
for t in ip nsenter unshare setsid pgrep; do command -v $t >/dev/null || command -v apt-get >/dev/null || no "no $t command"; done
for c in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do # the ones init.sh binds
  [ "$(stat -f -c %T /sys/fs/cgroup/$c/ 2>/dev/null)" = cgroupfs ] || no "no cgroup v1 hierarchy at /sys/fs/cgroup/$c"; done
k=; for f in /proc/config.gz "/boot/config-$(uname -r)"; do [ -r "$f" ] && { k=$(zcat -f "$f" 2>/dev/null | grep -E '^CONFIG_CHECKPOINT_RESTORE=|^# CONFIG_CHECKPOINT_RESTORE is' ); break; }; done
case $k in *=y) ;; '') [ -e /proc/sys/kernel/ns_last_pid ] || no "the kernel seems to lack CONFIG_CHECKPOINT_RESTORE";; *) no "the kernel lacks CONFIG_CHECKPOINT_RESTORE";; esac
grep -qw overlay /proc/filesystems || modprobe -q overlay 2>/dev/null || no "no overlay file system"
if ! lab_pid >/dev/null; then
  ls -d /sys/fs/cgroup/*/kubepods >/dev/null 2>&1 && no "kubepods cgroups exist: another kubelet runs, or a lab that was not taken down"
  if command -v ip >/dev/null; then # else mkroot.sh installs it
    n=klab-probe-$$; trap 'ip netns del $n 2>/dev/null' EXIT
    { ip netns add $n && ip -n $n link add kp0 type veth peer name kp1 && ip -n $n link add kpb type bridge; } >/dev/null 2>&1 || no "cannot make a network namespace with veth and bridge links"
  fi
  unshare --mount --pid --fork --propagation private true 2>/dev/null || no "cannot make mount and pid namespaces"
fi
exit 0
