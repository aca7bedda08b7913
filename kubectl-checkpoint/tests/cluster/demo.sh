#!/bin/bash
# applies the RBAC and the pods of manifests/ and waits for them
set -e; . "$(dirname "$0")/env.sh"
kubectl apply -f $LAB/manifests/rbac.yaml -f $LAB/manifests/pods.yaml >/dev/null
kubectl wait --for=condition=Ready pod/counter pod/reader pod/tcp pod/tty pod/hostnet --timeout=60s
kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/finished --timeout=60s
kubectl wait --for=jsonpath='{.status.containerStatuses[?(@.name=="once")].state.terminated.exitCode}'=0 pod/half --timeout=60s
for s in ckpt proxy none; do kubectl create token $s --duration 24h > $WORK/state/token.$s; done
