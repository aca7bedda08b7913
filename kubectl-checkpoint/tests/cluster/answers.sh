#!/bin/bash
# Has the real kubelet and API server give every answer that a checkpoint
# request can get, as three restricted users and as an administrator, and looks
# at what the program makes of it.
#
#   CHECKPOINT_E2E_LAB=/var/tmp/checkpoint-lab ./answers.sh [PROGRAM]
#
# The users: ckpt may create nodes/checkpoint, proxy may create nodes/proxy,
# none may do neither. Answers that the program itself prevents (a POST without
# a container, a GET, a timeout that is no number) are tested as what it says
# instead.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
ca=("--kubelet-certificate-authority" "$lab/pki/ca.crt")
direct=(--kubelet --kubelet-url https://10.199.0.2:10250 "${ca[@]}")
for user in ckpt proxy none; do "$here/sa-kubeconfig.sh" "$user" >"$user.kubeconfig" || exit 2; done
frozen() { find "$node_files" -name 'checkpoint-*' | wc -l; }

# answer NAME CODE WORDS ARGS…: ends with this code and says all WORDS (split at |).
answer() {
    local name=$1 code=$2 words=$3 word missing=
    shift 3
    run "$code" "$@" || return
    local IFS='|'
    for word in $words; do said "$word" || missing="$missing|$word"; done
    unset IFS
    if [ -z "$missing" ]; then ok "$name"; else bad "$name: it does not say: ${missing#|}"; fi
}
doctor_says() { # NAME CODE WORDS ARGS…: as answer, of what is on standard output as well
    local name=$1 code=$2 words=$3
    shift 3
    "$program" doctor "$@" >out 2>err </dev/null
    local got=$?
    tr -s ' ' <out >>err
    local word missing= IFS='|'
    for word in $words; do said "$word" || missing="$missing|$word"; done
    unset IFS
    if [ $got = "$code" ] && [ -z "$missing" ]; then ok "$name"; else bad "$name: code $got, not said: ${missing#|}"; fi
}

# 1. With no right to pods nothing is touched, whatever else is allowed.
before=$(frozen)
for user in ckpt proxy none; do
    doctor_says "doctor for $user through the API server" 1 \
        "$([ $user = proxy ] && echo 'ok create nodes/proxy' || echo 'failed create nodes/proxy|resources: [nodes/proxy], verbs: [create]')|resources: [pods], verbs: [create, delete, get]|resources: [pods/exec], verbs: [create, get]|name: $user" \
        counter/counter --kubeconfig $user.kubeconfig
    doctor_says "doctor for $user directly at the kubelet" 1 \
        "$([ $user = ckpt ] && echo 'ok create nodes/checkpoint' || echo 'failed create nodes/checkpoint|resources: [nodes/checkpoint], verbs: [create]')|resources: [pods], verbs: [create, delete, get]|name: $user" \
        counter/counter --kubeconfig $user.kubeconfig "${direct[@]}"
done
doctor_says "doctor tells who may ask the kubelet how to" 1 "with --kubelet the kubelet is asked directly" counter/counter --kubeconfig ckpt.kubeconfig
doctor_says "doctor wants the right to read the kubelet's address" 1 "resources: [nodes], verbs: [get]|--kubelet-url" \
    counter/counter --kubeconfig ckpt.kubeconfig --kubelet "${ca[@]}"
doctor_says "doctor asks the kubelet itself as ckpt" 1 "kubelet.endpoint ok" \
    --node lab-node --kubeconfig ckpt.kubeconfig "${direct[@]}"
doctor_says "doctor asks the kubelet itself as none" 1 "kubelet.endpoint failed|resources: [nodes/checkpoint], verbs: [create]" \
    --node lab-node --kubeconfig none.kubeconfig "${direct[@]}"
doctor_says "doctor asks through the API server as proxy" 1 "kubelet.endpoint ok" --node lab-node --kubeconfig proxy.kubeconfig
doctor_says "doctor asks through the API server as ckpt" 1 "kubelet.endpoint failed|resources: [nodes/proxy], verbs: [create]" \
    --node lab-node --kubeconfig ckpt.kubeconfig

# 2. The same users with the rights for the collector pod; then only the way matters.
kubectl apply -f - >/dev/null <<'YAML' || exit 2
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: answers-collector, namespace: default}
rules:
- {apiGroups: [""], resources: [pods], verbs: [create, delete, get, list]}
- {apiGroups: [""], resources: [pods/exec], verbs: [create, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: answers-collector, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: answers-collector}
subjects:
- {kind: ServiceAccount, name: ckpt, namespace: default}
- {kind: ServiceAccount, name: proxy, namespace: default}
- {kind: ServiceAccount, name: none, namespace: default}
YAML
for user in ckpt none; do
    answer "$user is refused by the API server" 2 \
        "HTTP 403|cannot create resource|resources: [nodes/proxy], verbs: [create]|name: $user" \
        counter/counter --kubeconfig $user.kubeconfig --skip-preflight
done
for user in proxy none; do
    answer "$user is refused by the kubelet" 2 \
        "HTTP 403|Forbidden (user=system:serviceaccount:default:$user|resources: [nodes/checkpoint], verbs: [create]|name: $user" \
        counter/counter --kubeconfig $user.kubeconfig "${direct[@]}" --skip-preflight
done
check "nothing was frozen so far" [ "$(frozen)" = "$before" ]
run 0 counter/counter ckpt.tar --kubeconfig ckpt.kubeconfig "${direct[@]}" && run 0 verify ckpt.tar && ok "ckpt captures directly"
run 0 counter/counter proxy.tar --kubeconfig proxy.kubeconfig && run 0 verify proxy.tar && ok "proxy captures through the API server"

# 3. Who one is.
sed 's/token: .*}}/token: wrong}}/' none.kubeconfig >stranger.kubeconfig
answer "a wrong token" 2 "401|kubectl auth whoami" counter/counter --kubeconfig stranger.kubeconfig
answer "a wrong token at the kubelet" 2 "401" counter/counter --kubeconfig stranger.kubeconfig "${direct[@]}" --skip-preflight
sed 's/user: {.*}}/user: {}}/' none.kubeconfig >nobody.kubeconfig
answer "no token" 2 "401|kubectl auth whoami" counter/counter --kubeconfig nobody.kubeconfig

# 4. What is not there, not running, or not a number.
before=$(frozen)
answer "an unknown pod" 2 "no pod nosuch" nosuch/counter
answer "an unknown namespace" 2 "no pod counter in namespace nosuch" counter/counter -n nosuch
answer "an unknown container" 2 "no container|counter/side" counter/nosuch
answer "no container named" 2 "counter/side" counter
answer "an init container that ended" 2 "exit code 0" counter/setup
answer "a container that ended" 2 "exit code 0" half/once
answer "a pod that ended" 2 "exit code 0" finished
answer "a container that waits" 2 "(it waits: " waiting
for timeout in abc -1 5x; do answer "--timeout $timeout" 2 "--timeout" counter/counter "--timeout=$timeout"; done
answer "an unknown node" 2 "there is no node nosuch" pull nosuch/checkpoint-x_y-z-T.tar
check "nothing was frozen meanwhile" [ "$(frozen)" = "$before" ]
run 0 counter/counter t5.tar --timeout 5 && run 0 counter/counter t300.tar --timeout 300 --request-timeout 30s \
    && ok "timeouts the kubelet takes, and kubectl's own beside"

# 5. CRIU.
fresh_tcp
answer "CRIU refuses, through the API server" 2 "HTTP 500|CRIU refused|a TCP connection was open|Connected TCP socket|tcp-established|/etc/criu/runc.conf|kubectl checkpoint triage" tcp/tcp --kubeconfig proxy.kubeconfig
check "CRIU's log is kept" grep -q 'Connected TCP socket' checkpoint-tcp_default-tcp.tar.criu-dump.log
fresh_tcp
answer "CRIU refuses, directly, and its log is not wanted" 2 "HTTP 500|CRIU refused|tcp-established|/etc/criu/runc.conf|criu-dump.log" tcp/tcp --no-criu-log --kubeconfig ckpt.kubeconfig "${direct[@]}"
in_lab mount --bind /dev/null /usr/sbin/criu
for way in "--kubeconfig proxy.kubeconfig" "--kubeconfig ckpt.kubeconfig ${direct[*]}"; do
    answer "CRIU is missing (${way%%.*})" 2 "HTTP 500|CRIU is missing|install CRIU on node lab-node" counter/counter $way
done
in_lab umount /usr/sbin/criu

# What CRIU refuses, a triage reads: the connection that was in the way among it.
fresh_tcp
before=$(frozen)
answer "a triage wants consent" 2 "privileged pod with hostPID|--yes|nothing was touched" triage tcp/tcp tcp.tar
run 0 triage tcp/tcp tcp.tar --yes --memory && {
    check "the triage is recorded and verifies" "$program" verify tcp.tar
    check "the triage has the processes" grep -q 'nc 127.0.0.1 7000' <("$program" ps tcp.tar)
    check "the triage has the connection, and who holds it" grep -Eq 'ESTABLISHED.*127[.]0[.]0[.]1:7000.* [0-9]+/[0-9]+' <("$program" sockets tcp.tar)
    check "the triage has the memory" "$program" mem search 'sleep 100000' tcp.tar
    check "the triage has the executable" "$program" extract -d exe --source executable tcp.tar
    check "the executable is what ran" [ "$(find exe -type f -name '*busybox*' -exec sha256sum {} + | cut -d' ' -f1 | head -n 1)" = "$(digest "$lab/root/bin/busybox")" ]
    check "show says that nothing was frozen" grep -q 'Frozen: *no: read from /proc' <("$program" show tcp.tar)
}
check "the processes go on" [ "$(kubectl get pod tcp -o 'jsonpath={.status.containerStatuses[0].restartCount}')" = 0 ]
check "nothing is left on the node" [ "$(frozen)" = "$before" ]

# 6. Three at once for one container: none is taken for what it is not.
slow_criu 1
for i in 1 2 3; do "$program" counter/counter at-once-$i.tar --quiet >/dev/null 2>at-once-$i.err </dev/null & done
wait
fast_criu
for i in 1 2 3; do
    if [ -f at-once-$i.tar ]; then run 0 verify at-once-$i.tar && cat at-once-$i.tar.evidence.json >>homes
    else grep -qE 'another checkpoint of the same container|CRIU refused|HTTP 500' at-once-$i.err || { cat at-once-$i.err; bad "three at once: number $i says why"; }; fi
done
# containerd gives all three one scratch directory; whether one of them comes through is chance.
ok "three at once: what came home verifies, and the others say why ($(ls at-once-?.tar 2>/dev/null | wc -l) home)"

# 7. A runtime that is slower than the kubelet's limit.
slow_criu 2
"$here/kubelet-cfg.sh" kubelet-timeout1s >/dev/null
answer "the runtime is too slow" 2 "HTTP 500|did not finish in time|--timeout 600" counter/counter --kubeconfig proxy.kubeconfig
sleep 3
run 0 counter/counter slow.tar --timeout 60 --kubeconfig proxy.kubeconfig && ok "--timeout raises the limit"
fast_criu

# 8. Kubelets that do not serve checkpoints: the file on the node to change is named.
for cfg in gateoff nodebug; do
    "$here/kubelet-cfg.sh" kubelet-$cfg >/dev/null
    for user in ckpt proxy none; do
        way=(--kubeconfig $user.kubeconfig)
        [ $user = proxy ] || way+=("${direct[@]}")
        answer "$cfg, as $user" 2 "HTTP 404|ContainerCheckpoint: true|enableDebuggingHandlers: true|/var/lib/kubelet/config.yaml" \
            counter/counter "${way[@]}" --skip-preflight
    done
    doctor_says "$cfg: the doctor" 1 "kubelet.endpoint|ContainerCheckpoint: true|/var/lib/kubelet/config.yaml" counter/counter
done

# 9. A kubelet that is not there.
kubelet_away
answer "the kubelet is down, through the API server" 2 "does not reach the kubelet|kubectl get node lab-node|nothing was repeated" \
    counter/counter --kubeconfig proxy.kubeconfig
answer "the kubelet is down, directly" 2 "no answer|no checkpoint was begun|nothing was repeated" counter/counter --kubeconfig ckpt.kubeconfig "${direct[@]}"
kubelet_back
kubectl delete role/answers-collector rolebinding/answers-collector >/dev/null
no_collector "after all answers"
finish
