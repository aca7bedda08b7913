# What the tests against the real cluster have in common; sourced by answers.sh
# and breaks.sh. Without a cluster that answers nothing is tested, and that is said.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=${CHECKPOINT_E2E_LAB:-}
[ -n "$lab" ] || { echo "SKIPPED: no real cluster (CHECKPOINT_E2E_LAB is not set)"; exit 0; }
export PATH="$lab/bin:$PATH" LAB_WORK="$lab" KUBECONFIG="${KUBECONFIG:-$lab/pki/admin.kubeconfig}"
export KUBECTL_CHECKPOINT_COLLECTOR_IMAGE=${CHECKPOINT_E2E_IMAGE:-lab.local/busybox:1}
kubectl get pod counter >/dev/null 2>&1 || { echo "SKIPPED: the lab in $lab does not answer (up.sh and demo.sh start it)"; exit 0; }
program=$(readlink -f "${1:-$here/../../../target/debug/kubectl-checkpoint}") || exit 2
node_files="$lab/state/kubelet/checkpoints"
work=$(mktemp -d)
cd "$work" || exit 2
failures=0 checks=0

in_lab() { "$here/in.sh" "$@"; }
ok() { checks=$((checks + 1)); echo "ok: $1"; }
bad() {
    checks=$((checks + 1)) failures=$((failures + 1))
    echo "FAILED: $1"
    [ -f err ] && sed 's/^/    /' err
}
# check WHAT COMMAND…: the command succeeds
check() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then ok "$what"; else bad "$what"; fi
}
said() { grep -qF -- "$1" err; }
# run CODE ARGS…: the program ends with this code; output in out and err
run() {
    local want=$1
    shift
    "$program" "$@" >out 2>err </dev/null
    local code=$?
    [ $code -eq "$want" ] && return 0
    bad "kubectl-checkpoint $* ended with $code, not $want"
    return 1
}
no_collector() {
    local left
    left=$(kubectl get pods -A -l app.kubernetes.io/managed-by=kubectl-checkpoint -o name)
    if [ -z "$left" ]; then ok "no collector pod remains ($1)"; else bad "collector pods remain ($1): $left"; fi
}
digest() { sha256sum "$1" | cut -d' ' -f1; }
# A pod of its own making: an earlier checkpoint may have ended the sleeps that keep the connection open.
fresh_tcp() {
    kubectl delete pod tcp --wait >/dev/null 2>&1
    kubectl apply -f "$here/manifests/pods.yaml" >/dev/null 2>&1
    kubectl wait --for=condition=Ready pod/tcp --timeout=60s >/dev/null 2>&1
    for _ in $(seq 60); do
        kubectl exec tcp -- netstat -tan 2>/dev/null | grep -q ESTABLISHED && break
        sleep 0.5
    done
}
# slow_criu SECONDS: CRIU waits before it works, and counts its runs in /lab/criu.runs.
slow_criu() {
    in_lab sh -c "[ -e /lab/criu.real ] || cp /usr/sbin/criu /lab/criu.real
printf '#!/bin/sh\n[ \"\$1\" = swrk ] && { echo run >>/lab/criu.runs; sleep %s; }\nexec /lab/criu.real \"\$@\"\n' $1 >/lab/criu.slow
chmod 755 /lab/criu.slow; : >/lab/criu.runs; mount --bind /lab/criu.slow /usr/sbin/criu"
}
fast_criu() { in_lab umount /usr/sbin/criu; }
criu_runs() { in_lab sh -c 'wc -l </lab/criu.runs'; }
# The loop that starts the kubelet again finds no configuration.
kubelet_away() { in_lab sh -c 'echo /nonexistent >/run/kubelet.cfg; kill -9 $(cat /run/kubelet.pid)'; }
kubelet_back() { "$here/kubelet-cfg.sh" kubelet >/dev/null 2>&1; }
finish() {
    if [ $failures -gt 0 ]; then
        echo "$failures of $checks checks FAILED"
        exit 1
    fi
    echo "all $checks checks passed in $SECONDS s"
}
# Whatever happens, the cluster is left as it was.
tidy() {
    cd / && rm -rf "$work"
    in_lab sh -c 'while umount /usr/sbin/criu 2>/dev/null; do :; done; while umount /var/lib/kubelet/checkpoints 2>/dev/null; do :; done'
    in_lab grep -qx /lab/cfg/kubelet.yaml /run/kubelet.cfg || kubelet_back
}
trap tidy EXIT
