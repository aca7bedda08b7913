#!/bin/bash
# ends the lab: killing pid 1 of its pid namespace ends everything in it
. "$(dirname "$0")/env.sh"
p=$(lab_pid) && kill -9 "$p"; rm -f "$WORK/state/init.pid"
for i in $(seq 20); do sleep 0.3
 for d in $(find /sys/fs/cgroup/freezer/kubepods -type d 2>/dev/null); do [ "$(cat $d/freezer.state)" = THAWED ] || echo THAWED > $d/freezer.state; done # a frozen task cannot die
 for c in /sys/fs/cgroup/*/; do for d in kubepods k8s.io; do [ -d $c$d ] && find $c$d -depth -type d -exec rmdir {} \; 2>/dev/null; done; done
 ls -d /sys/fs/cgroup/*/kubepods >/dev/null 2>&1 || break; done
ip netns del $NS 2>/dev/null; ip link del kube0 2>/dev/null; true
