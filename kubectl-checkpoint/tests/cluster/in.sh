#!/bin/bash
# in.sh CMD...: runs a command inside the lab's namespaces (ctr, checkpoints under /var/lib/kubelet/checkpoints, ...)
. "$(dirname "$0")/env.sh"
p=$(lab_pid) || { echo "the lab is not up" >&2; exit 1; }
exec nsenter -t "$p" -m -p -n -r -w env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
