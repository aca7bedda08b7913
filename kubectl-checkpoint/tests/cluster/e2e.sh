#!/bin/bash
# Captures against a real cluster, as the lab in this directory starts it.
#
#   CHECKPOINT_E2E_LAB=/var/tmp/checkpoint-lab ./e2e.sh [PROGRAM]
#
# CHECKPOINT_E2E_LAB is the lab's work directory ($LAB_WORK): its binaries,
# kubeconfigs and node files are looked for there. Without it, or where the
# cluster does not answer, nothing is tested, and that is said. With
# CHECKPOINT_E2E_BIG=1 the download of big/big (600 MB) is timed side by side
# with `kubectl exec … cat`, into memory ($CHECKPOINT_E2E_DEST, default
# /dev/shm): node and client share one disk here, which is busy with the
# checkpoint itself, and kubectl writes to no disk at all.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lab=${CHECKPOINT_E2E_LAB:-}
if [ -z "$lab" ]; then
    echo "SKIPPED: no real cluster (CHECKPOINT_E2E_LAB is not set)"
    exit 0
fi
export PATH="$lab/bin:$PATH"
export LAB_WORK="$lab"
export KUBECONFIG="${KUBECONFIG:-$lab/pki/admin.kubeconfig}"
export KUBECTL_CHECKPOINT_COLLECTOR_IMAGE=${CHECKPOINT_E2E_IMAGE:-lab.local/busybox:1}
if ! kubectl get pod counter >/dev/null 2>&1; then
    echo "SKIPPED: the lab in $lab does not answer (up.sh and demo.sh start it)"
    exit 0
fi
program=${1:-$here/../../../target/debug/kubectl-checkpoint}
program=$(readlink -f "$program") || exit 2
node_files="$lab/state/kubelet/checkpoints"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
failures=0

ok() { echo "ok: $1"; }
bad() {
    echo "FAILED: $1"
    [ -f err ] && sed 's/^/    /' err
    failures=$((failures + 1))
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
json() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
fresh_tcp() {
    kubectl delete pod tcp --wait >/dev/null 2>&1
    kubectl apply -f "$here/manifests/pods.yaml" >/dev/null 2>&1
    kubectl wait --for=condition=Ready pod/tcp --timeout=60s >/dev/null 2>&1
    for _ in $(seq 30); do
        kubectl exec tcp -- netstat -tan 2>/dev/null | grep -q ESTABLISHED && break
        sleep 1
    done
}
digest() { sha256sum "$1" | cut -d' ' -f1; }

# The whole way, for a regular container.
if run 0 counter/counter -o json; then
    cp out counter.json
    file=$(json counter.json 'd["items"][0]["file"]')
    node_file="$node_files/$(basename "$(json counter.json 'd["items"][0]["nodePath"]')")"
    check "the digest is that of the file on the node" \
        [ "$(digest "$file")" = "$(digest "$node_file")" ]
    check "the answer carries that digest" \
        [ "$(json counter.json 'd["items"][0]["sha256"]')" = "$(digest "$node_file")" ]
    check "the archive is its owner's only" [ "$(stat -c %a "$file")" = 600 ]
    check "the record is its owner's only" [ "$(stat -c %a "$file.evidence.json")" = 600 ]
    check "the archive holds CRIU images" tar -tf "$file" checkpoint/inventory.img
    head -n 1 "$file.evidence.json" >line
    check "the record says verified" [ "$(json line 'd["outcome"]')" = verified ]
    check "the record is chained" \
        [ "$(tail -n 1 "$file.evidence.json" | grep -o '"previousSha256":"[0-9a-f]*"' | cut -d'"' -f4)" = "$(head -c -1 line | sha256sum | cut -d' ' -f1)" ]
    check "the container goes on" \
        [ "$(kubectl get pod counter -o 'jsonpath={.status.containerStatuses[0].restartCount}')" = 0 ]
fi
no_collector "after a capture"

# The doctor, archives on the node, and the way to get rid of one.
run 0 doctor counter/counter -o json && {
    check "the doctor finds the endpoint" \
        [ "$(json out '[c["state"] for c in d["items"] if c["check"] == "kubelet.endpoint"]')" = "['ok']" ]
    check "the doctor sees memory and disk" \
        [ "$(json out '[c["state"] for c in d["items"] if c["check"] == "node.disk"]')" = "['ok']" ]
}
name=lab-node/$(basename "$node_file")
run 0 list -o name && { grep -qxF "$name" out && ok "the archive is listed" || bad "the archive is listed"; }
head -c 1000 "$file" >pulled.tar.part
run 0 pull "$name" pulled.tar -o json && {
    check "pull goes on after a part" [ "$(json out 'd["items"][0]["continuedAtByte"]')" = 1000 ]
    check "what was pulled is what is on the node" [ "$(digest pulled.tar)" = "$(digest "$node_file")" ]
}
run 2 rm "$name" --copy counter.json && { [ -f "$node_file" ] && ok "rm wants an equal copy" || bad "rm wants an equal copy"; }
run 0 rm "$name" && { [ ! -e "$node_file" ] && ok "rm removes what is at home" || bad "rm removes what is at home"; }
no_collector "after list, pull and rm"

# Signed, encrypted, with what surrounds the container; checked by the tools
# themselves where they are installed.
new_key() { ssh-keygen -q -t ed25519 -N '' -C e2e -f "$1" </dev/null; }
if command -v ssh-keygen >/dev/null && new_key signer && new_key reader; then
    echo "e2e $(cat signer.pub)" >allowed
    if run 0 counter/counter sealed.tar.age --sign signer --encrypt-to reader.pub; then
        check "the file is encrypted" [ "$(head -c 21 sealed.tar.age)" = age-encryption.org/v1 ]
        for signed in sealed.tar.age sealed.tar.age.evidence.json; do
            ssh-keygen -Y verify -f allowed -I e2e -n checkpoint -s $signed.sig <$signed >/dev/null 2>err \
                && ok "ssh-keygen accepts the signature of $signed" || bad "ssh-keygen accepts the signature of $signed"
        done
        run 0 verify sealed.tar.age --allowed-signers allowed --identity reader && ok "verify opens and accepts it"
        run 0 ps sealed.tar.age --identity reader && grep -q SECRET out && ok "ps opens it" || bad "ps opens it"
        run 2 ps sealed.tar.age && said "--identity" && ok "and not without the key" || bad "and not without the key"
        if command -v age >/dev/null; then
            newest=$(ls -t "$node_files"/checkpoint-counter_* | head -n 1)
            check "age opens it, and it is what is on the node" \
                [ "$(age -d -i reader sealed.tar.age | sha256sum | cut -d' ' -f1)" = "$(digest "$newest")" ]
        else
            echo "SKIPPED: age is not installed"
        fi
        check "the context is encrypted as well" [ "$(head -c 21 sealed.tar.context.json.age)" = age-encryption.org/v1 ]
    fi
else
    echo "SKIPPED: ssh-keygen is not installed"
fi
check "the context has node, log and events" \
    [ "$(json "$file.context.json" 'd["node"]["metadata"]["name"], d["log"] is not None, d["events"] is not None, d["pod"]["metadata"]["name"]')" = "('lab-node', True, True, 'counter')" ]
check "no value of the environment is in it" \
    [ "$(json "$file.context.json" 'all(v.get("value") in (None, "(redacted)") for c in d["pod"]["spec"]["containers"] for v in c.get("env", []))')" = True ]
no_collector "after a sealed capture"

# On the node itself, as its root sees it.
run 0 list --local --kubelet-root "$lab/state/kubelet" -o name && {
    grep -q '^checkpoint-counter_' out && ok "the node lists its own archives" || bad "the node lists its own archives"
}
own=$(ls -t "$node_files" | grep '^checkpoint-counter_' | head -n 1)
run 0 pull --local --kubelet-root "$lab/state/kubelet" "$own" local.tar && {
    check "what was copied on the node is its archive" [ "$(digest local.tar)" = "$(digest "$node_files/$own")" ]
    run 0 verify local.tar && ok "and verifies"
}

# Standard output, and a pod with one container.
if run 0 tty - ; then
    newest=$(ls -t "$node_files"/checkpoint-tty_* | head -n 1)
    check "standard output is the archive" [ "$(digest out)" = "$(digest "$newest")" ]
fi

# What is not clear, not there or not running is said before anything is touched.
before=$(ls "$node_files" | wc -l)
run 2 counter && { said "counter/side" && ok "containers are listed" || bad "containers are listed"; }
run 2 counter/nosuch && { said "no container" && ok "an unknown container" || bad "an unknown container"; }
run 2 nosuch && { said "no pod nosuch" && ok "an unknown pod" || bad "an unknown pod"; }
run 2 finished && { said "exit code 0" && ok "an ended pod" || bad "an ended pod"; }
run 2 half/once && { said "exit code 0" && ok "an ended container" || bad "an ended container"; }
run 2 counter/setup && { said "exit code 0" && ok "an ended init container" || bad "an ended init container"; }
run 2 waiting && { said "ErrImageNeverPull" && ok "a waiting container" || bad "a waiting container"; }
check "nothing was frozen meanwhile" [ "$(ls "$node_files" | wc -l)" = "$before" ]

# CRIU refuses an established TCP connection. A pod of its own making: an
# earlier checkpoint may have ended the sleeps that keep the connection open.
fresh_tcp
if run 2 tcp/tcp; then
    for part in "CRIU refused" "tcp-established" "/etc/criu/runc.conf" "criu-dump.log"; do
        said "$part" && ok "the refusal says: $part" || bad "the refusal says: $part"
    done
fi
no_collector "after a refusal"

# Users with too few rights get the missing rule, and nothing is touched.
before=$(ls "$node_files" | wc -l)
for user in ckpt proxy none; do
    "$here/sa-kubeconfig.sh" "$user" >"$user.kubeconfig" 2>err || { bad "kubeconfig of $user"; continue; }
    run 2 counter/counter --kubeconfig "$user.kubeconfig" || continue
    said "kind: Role" && said "name: $user" && said "verbs: [create, delete, get]" \
        && ok "$user gets the rule for pods" || bad "$user gets the rule for pods"
    if [ "$user" = proxy ]; then
        said "resources: [nodes/proxy]" && bad "$user is asked for what it has" || ok "$user is not asked for what it has"
    else
        said "resources: [nodes/proxy], verbs: [create]" && ok "$user gets the rule for nodes/proxy" || bad "$user gets the rule for nodes/proxy"
    fi
done
check "nothing was frozen by them" [ "$(ls "$node_files" | wc -l)" = "$before" ]
# The rule that is printed is enough.
sed -n '/^---$/,$p' err >rule.yaml
if kubectl apply -f rule.yaml >/dev/null 2>err; then
    run 0 counter/counter granted.tar --kubeconfig none.kubeconfig && ok "the printed rule is enough"
    kubectl delete -f rule.yaml >/dev/null 2>&1
else
    bad "the printed rule can be applied"
fi
no_collector "after a capture with the least rights"

# Identities other than a certificate in the kubeconfig.
server=$(kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.server}')
kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >ca.crt
kubectl create serviceaccount e2e-responder >/dev/null 2>&1
kubectl create clusterrolebinding e2e-responder --clusterrole=cluster-admin --serviceaccount=default:e2e-responder >/dev/null 2>&1
kubectl create token e2e-responder >token 2>err
# A credential plugin.
cat >plugin <<'SH'
#!/bin/sh
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"}}' "$(cat token)"
SH
chmod 700 plugin
cat >plugin.kubeconfig <<Y
apiVersion: v1
kind: Config
current-context: lab
clusters: [{name: lab, cluster: {server: "$server", certificate-authority: ca.crt}}]
users: [{name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}}}]
contexts: [{name: lab, context: {cluster: lab, user: plugin}}]
Y
run 0 counter/counter plugin.tar --kubeconfig plugin.kubeconfig \
    && grep -q '"username":"system:serviceaccount:default:e2e-responder"' plugin.tar.evidence.json \
    && ok "a credential plugin gives the identity" || bad "a credential plugin gives the identity"
# The service account of a pod, in a mount namespace that has its files.
if unshare -m true 2>/dev/null; then
    address=${server#https://}
    env -u KUBECONFIG HOME=/nonexistent KUBERNETES_SERVICE_HOST="${address%:*}" KUBERNETES_SERVICE_PORT="${address##*:}" \
        unshare -m sh -c 'account=$(readlink -f /var/run)/secrets/kubernetes.io/serviceaccount
            mount -t tmpfs none "$(readlink -f /var/run)" && mkdir -p "$account" && cp token ca.crt "$account" \
            && printf default >"$account/namespace" && exec "$@"' sh "$program" counter/counter pod.tar >out 2>err </dev/null
    code=$?
    [ $code = 0 ] && grep -q '"username":"system:serviceaccount:default:e2e-responder"' pod.tar.evidence.json \
        && ok "in a pod its service account is the identity" || bad "in a pod its service account is the identity ($code)"
else
    echo "SKIPPED: in-cluster configuration: no mount namespace can be made here"
fi
kubectl delete clusterrolebinding/e2e-responder serviceaccount/e2e-responder >/dev/null 2>&1
no_collector "after captures with other identities"

# Directly to the kubelet, by an account that may not use nodes/proxy.
ca=("--kubelet-certificate-authority" "$lab/pki/ca.crt")
run 2 counter/counter --kubeconfig ckpt.kubeconfig --kubelet "${ca[@]}" && {
    said "nodes/proxy" && bad "nodes/proxy is not asked for" || ok "nodes/proxy is not asked for"
}
sed -n '/^---$/,$p' err >rule.yaml
if kubectl apply -f rule.yaml >/dev/null 2>err; then
    run 0 counter/counter direct.tar --kubeconfig ckpt.kubeconfig --kubelet --kubelet-url https://10.199.0.2:10250 "${ca[@]}" \
        && ok "nodes/checkpoint is enough for the kubelet"
    run 0 verify direct.tar && ok "what came home verifies"
    kubectl delete -f rule.yaml >/dev/null 2>&1
else
    bad "the printed rule can be applied"
fi
# Many at once: the failures beside the successes.
mkdir many
fresh_tcp
kubectl label pod counter tcp --overwrite e2e=many >/dev/null 2>&1
run 3 -l e2e=many --all-containers --dest many -o json && {
    check "what could be frozen is here" [ "$(ls many/*.tar | wc -l)" = 2 ]
    check "what could not be frozen is named" \
        [ "$(json out '[c["pod"] for c in d["items"] if c["problem"]]')" = "['tcp']" ]
}
no_collector "after many"

# A namespace that enforces the baseline Pod Security Standard.
# It stays: without controllers its deletion would never end.
kubectl create namespace e2e-baseline >/dev/null 2>&1
# The lab runs no controllers that would make it.
kubectl create serviceaccount default -n e2e-baseline >/dev/null 2>&1
kubectl label namespace e2e-baseline --overwrite pod-security.kubernetes.io/enforce=baseline >/dev/null 2>&1
before=$(ls "$node_files" | wc -l)
run 2 counter/counter --collector-namespace e2e-baseline && {
    said "violates PodSecurity" && said "nothing was touched" && ok "Pod Security is quoted before the freeze" || bad "Pod Security is quoted before the freeze"
}
check "nothing was frozen for it" [ "$(ls "$node_files" | wc -l)" = "$before" ]

# Ctrl-C after the freeze.
"$program" counter/counter interrupted.tar >out 2>err </dev/null &
pid=$!
for _ in $(seq 300); do
    [ -n "$(kubectl get pods -l app.kubernetes.io/managed-by=kubectl-checkpoint -o name)" ] && break
    kill -0 $pid 2>/dev/null || break
done
kill -INT $pid 2>/dev/null
wait $pid
code=$?
check "an interrupt ends with 130 (or came too late: 0), not $code" [ $code = 130 -o $code = 0 ]
no_collector "after an interrupt"
rm -f err

if [ "${CHECKPOINT_E2E_BIG:-}" = 1 ]; then
    kubectl apply -f "$here/manifests/big.yaml" >/dev/null
    kubectl wait --for=condition=Ready pod/big --timeout=60s >/dev/null
    # Its memory is filled by a command that takes a moment.
    sleep 5
    big=$(mktemp -d "${CHECKPOINT_E2E_DEST:-/dev/shm}/e2e-XXXXXX")/big.tar
    trap 'rm -rf "$work" "$(dirname "$big")"' EXIT
    for round in 1 2 3 4 5; do
        run 0 big/big "$big" --force -o json || continue
        python3 - "$round" "$big.evidence.json" <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[2])]
last = [line for line in lines if line["step"] == "capture"][-1]
seconds = last["transfer"]["durationNs"] / 1e9
print(f"round {sys.argv[1]}: kubectl-checkpoint {seconds:.2f} s, {last['sizeBytes'] / seconds / 1e6:.0f} MB/s, verified")
PY
        rm -f "$node_files"/checkpoint-big_*
        # The other side starts from the same state: a checkpoint just made.
        echo -n | kubectl create --raw /api/v1/nodes/lab-node/proxy/checkpoint/default/big/big -f - >raw
        name=$(basename "$(json raw 'd["items"][0]')")
        sleep 1
        start=$(date +%s.%N)
        kubectl exec reader -- cat "/checkpoints/$name" >/dev/null
        end=$(date +%s.%N)
        size=$(stat -c %s "$node_files/$name")
        python3 -c "s = $end - $start; print(f'round $round: kubectl exec cat > /dev/null {s:.2f} s, {$size / s / 1e6:.0f} MB/s, unverified')"
        rm -f "$node_files"/checkpoint-big_*
    done
    no_collector "after the large ones"
fi

if [ $failures -gt 0 ]; then
    echo "$failures checks FAILED"
    exit 1
fi
echo "all checks passed"
