#!/bin/bash
# Breaks the node in the middle of captures against the real cluster: its disk
# is full, its kubelet ends or hangs while CRIU works and while bytes travel.
# Nothing short may ever be under its final name, what is left on the node is
# named, and no container is frozen twice for one command.
#
#   CHECKPOINT_E2E_LAB=/var/tmp/checkpoint-lab ./breaks.sh [PROGRAM]
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

in_background() { # ARGS…: starts the program, output in out and err, its process in $running
    "$program" "$@" >out 2>err </dev/null &
    running=$!
}
until_said() { # WORDS: waits until the program has said that
    for _ in $(seq 300); do said "$1" && return; sleep 0.1; done
    bad "it never said: $1"
}
ended() { # CODE
    wait "$running"
    local code=$?
    [ $code -eq "$1" ] || bad "it ended with $code, not $1"
}
in_transfer() { # waits until bytes travel; --limit-rate 6M has them do so for some seconds
    until_said downloading
    sleep 1.5
}
nothing_named() { # FILE WHAT
    if [ ! -e "$1" ]; then ok "$2: nothing is under its final name"; else bad "$2: $1 is there"; fi
}
kubelet_signal() { in_lab sh -c "kill -$1 \$(cat /run/kubelet.pid)"; }

# How many runs of CRIU one freeze takes.
slow_criu 0
run 0 counter/counter reference.tar || finish
one=$(criu_runs)
fast_criu
[ "$one" -gt 0 ] || bad "CRIU's runs are counted"
once() { # WHAT: CRIU ran for one freeze since slow_criu, not for two
    local runs
    runs=$(criu_runs)
    if [ "$runs" -le "$one" ]; then ok "$1: frozen no more than once"; else bad "$1: CRIU ran $runs times, and $one are one freeze"; fi
}

# 1. The node's disk is full: before anything is written, and while the archive is.
in_lab mount -t tmpfs -o size=64k,mode=700 tmpfs /var/lib/kubelet/checkpoints
slow_criu 0
run 2 counter/counter full.tar && {
    for words in "no space left on device" "the node's disk is full" "/var/lib/kubelet/checkpoints/checkpoint-counter_default-counter-" "(partial)" "make room"; do
        said "$words" && ok "disk full: it says: $words" || bad "disk full: it says: $words"
    done
}
nothing_named full.tar "disk full"
nothing_named full.tar.part "disk full, the part"
once "disk full"
fast_criu
partial=$(grep -o '/var/lib/kubelet/checkpoints/checkpoint-[^ ]*\.tar (partial)' err | head -n 1 | cut -d' ' -f1)
check "disk full: what it names is there" in_lab test -f "$partial"
run 0 list -o name && grep -qxF "lab-node/${partial##*/}" out && ok "the partial archive is listed" || bad "the partial archive is listed"
run 0 rm "lab-node/${partial##*/}" --force && check "rm removes it" in_lab test ! -e "$partial"
in_lab umount /var/lib/kubelet/checkpoints
no_collector "after the full disk"

# 2. The kubelet ends while CRIU works. Whether there is an archive is not known, and that is said.
slow_criu 3
in_background counter/counter ended.tar
until_said "freezing counter/counter"
sleep 1
kubelet_signal KILL
ended 2
said "nothing was repeated" && ok "kubelet ended in the freeze: nothing was repeated" || bad "kubelet ended in the freeze: it says that nothing was repeated"
said "list --node lab-node" && ok "kubelet ended in the freeze: where to look is said" || bad "kubelet ended in the freeze: where to look is said"
nothing_named ended.tar "kubelet ended in the freeze"
sleep 6
once "kubelet ended in the freeze"
fast_criu
kubelet_back
check "kubelet ended in the freeze: the container goes on" [ "$(kubectl get pod counter -o 'jsonpath={.status.containerStatuses[0].restartCount}')" = 0 ]
no_collector "after a kubelet that ended in the freeze"

# What follows needs more bytes than fit into the buffers on their way.
kubectl apply -f "$here/manifests/ballast.yaml" >/dev/null && kubectl wait --for=condition=Ready pod/ballast --timeout=60s >/dev/null
sleep 3

# 3. The kubelet ends while bytes travel, and comes back.
slow_criu 0
in_background ballast/ballast back.tar --limit-rate 6M
in_transfer
nothing_named back.tar "kubelet ended in the transfer, meanwhile"
kubelet_signal KILL
ended 0
said "going on from there" && ok "kubelet came back: the stream went on at its offset" || bad "kubelet came back: the stream went on at its offset"
once "kubelet came back"
fast_criu
run 0 verify back.tar && ok "kubelet came back: what came home verifies"
kubelet_back
no_collector "after a kubelet that came back"

# 4. The kubelet hangs while bytes travel, for longer than a stream may be silent.
in_background ballast/ballast hung.tar --limit-rate 6M --request-timeout 4s
in_transfer
kubelet_signal STOP
sleep 9
kubelet_signal CONT
ended 0
run 0 verify hung.tar && ok "a kubelet that hung: what came home verifies"
no_collector "after a kubelet that hung"

# 5. The kubelet ends while bytes travel, and stays away.
in_background ballast/ballast away.tar --limit-rate 6M --keep-partial
in_transfer
kubelet_away
ended 2
nothing_named away.tar "kubelet stays away"
check "kubelet stays away: the part is kept" [ -s away.tar.part ]
for words in "the archive is on node lab-node at /var/lib/kubelet/checkpoints/" "kubectl checkpoint pull lab-node/" "kubectl delete pod"; do
    said "$words" && ok "kubelet stays away: it says: $words" || bad "kubelet stays away: it says: $words"
done
name=$(grep -o 'pull lab-node/checkpoint-[^ ]*\.tar' err | head -n 1 | cut -d' ' -f2)
kubelet_back
run 0 pull "$name" away.tar && said "are here already; going on from there" && run 0 verify away.tar \
    && ok "kubelet stays away: pull goes on, and all of it verifies" || bad "kubelet stays away: pull goes on"
for _ in $(seq 40); do
    [ -z "$(kubectl get pods -A -l app.kubernetes.io/managed-by=kubectl-checkpoint -o name)" ] && break
    sleep 0.5
done
no_collector "once the kubelet is back"
kubectl delete pod ballast --wait=false >/dev/null
finish
