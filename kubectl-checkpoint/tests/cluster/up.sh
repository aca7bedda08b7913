#!/bin/bash
# starts a one-node Kubernetes; wipes the state of the last run (KEEP=1 keeps etcd and images)
set -e; . "$(dirname "$0")/env.sh"
for b in kubelet kube-apiserver kubectl; do [ -x $WORK/bin/$b ] || { echo "no $WORK/bin/$b: run build.sh"; exit 1; }; done
[ -x $ROOT/usr/sbin/criu ] && [ -f $WORK/images/pause.tar ] || { echo "no root or no images: run mkroot.sh"; exit 1; }
if p=$(lab_pid); then echo "already up (pid $p)"; exit 0; fi
t0=$(date +%s); mkdir -p $WORK/{log,state,images}; "$LAB/pki.sh"
[ -n "$KEEP" ] || { rm -rf $WORK/state/{kubelet,containerd,etcd,pods}; rm -f $WORK/log/{etcd,containerd,kube-apiserver,kubelet,images,init}.log; }
ip netns list | grep -qw $NS || { ip netns add $NS; ip link add kube0 type veth peer name eth0 netns $NS; }
ip addr replace $HOSTIP/24 dev kube0; ip link set kube0 up
ip -n $NS addr replace $IP/24 dev eth0; ip -n $NS link set eth0 up; ip -n $NS link set lo up; ip -n $NS route replace default via $HOSTIP
ip route replace 10.244.0.0/24 via $IP dev kube0
setsid nsenter --net=/run/netns/$NS env LAB="$LAB" WORK="$WORK" ROOT="$ROOT" unshare --mount --pid --fork --propagation private /bin/bash $LAB/init.sh "$@" >$WORK/log/init.log 2>&1 </dev/null &
U=$!; for i in $(seq 50); do sleep 0.1; pgrep -P $U > $WORK/state/init.pid && break; kill -0 $U 2>/dev/null || break; done
lab_pid >/dev/null || { cat $WORK/log/init.log; exit 1; }
until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.5; [ $(( $(date +%s) - t0 )) -lt 120 ] || { echo "apiserver not ready, see $WORK/log"; exit 1; }; done
echo "apiserver ready after $(( $(date +%s) - t0 )) s"
kubectl -n default create serviceaccount default 2>/dev/null || true
until [ "$(kubectl get node $NODE -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]; do sleep 0.5; [ $(( $(date +%s) - t0 )) -lt 180 ] || { echo "node not ready, see $WORK/log"; exit 1; }; done
kubectl taint node $NODE node.kubernetes.io/not-ready:NoSchedule- >/dev/null 2>&1 || true
echo "node Ready after $(( $(date +%s) - t0 )) s; KUBECONFIG=$KUBECONFIG"
