# settings of the one-node cluster; sourced by the other scripts
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=${LAB_WORK:-/var/tmp/checkpoint-lab}     # binaries, certificates, logs and state; survives runs
ROOT=${LAB_ROOT:-$WORK/root}                  # the Debian root made by mkroot.sh
IP=10.199.0.2 HOSTIP=10.199.0.1 NS=klab NODE=lab-node
export KUBECONFIG=$WORK/pki/admin.kubeconfig
export PATH=$WORK/bin:$PATH                   # first: a machine's own kubectl may be older
lab_pid() { # prints the pid of the running lab's pid 1; fails if there is none (a stale pid file is not trusted)
  local p; p=$(cat "$WORK/state/init.pid" 2>/dev/null) && [ -n "$p" ] && tr '\0' ' ' 2>/dev/null </proc/"$p"/cmdline | grep -q "/init\.sh" && echo "$p"; }
