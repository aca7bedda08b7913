#!/bin/bash
# builds kubelet, kube-apiserver and kubectl from k8s.io/kubernetes into $WORK/bin; does nothing if they are there.
# k8s.io/kubernetes points its staging modules at directories of its own tree: each is replaced with its release.
set -e; . "$(dirname "$0")/env.sh"
V=${K8S_VERSION:-v1.36.2}; SV=v0.${V#v1.}                      # staging modules of v1.36.2 are released as v0.36.2
T="kubelet kube-apiserver kubectl"; todo=
for t in $T; do [ -x "$WORK/bin/$t" ] || todo="$todo $t"; done
[ -n "$todo" ] || { echo "already built: $WORK/bin"; exit 0; }
t0=$SECONDS; say() { echo "[$((SECONDS-t0)) s] $*"; }
B=${LAB_BUILD:-$WORK/build}; mkdir -p "$WORK/bin" "$B"; cd "$B"; export GOWORK=off GOFLAGS="-mod=mod -buildvcs=false" CGO_ENABLED=0
say "reading the go.mod of k8s.io/kubernetes $V"
printf 'module lab.local/k8sbuild\n\ngo 1.26\n' > go.mod; rm -f go.sum
mod=$(go mod download -json "k8s.io/kubernetes@$V" | sed -n 's/^[[:space:]]*"GoMod": "\(.*\)",*$/\1/p')
{ printf 'module lab.local/k8sbuild\n\n'; grep -E '^go [0-9]' "$mod"; printf '\nrequire k8s.io/kubernetes %s\n\nreplace (\n' "$V"
  sed -nE "s#^[[:space:]]*(k8s.io/[a-z0-9-]+) => \./staging/.*#\t\1 => \1 $SV#p" "$mod"; printf ')\n'; } > go.mod
P=k8s.io/component-base/version
X="-s -w -X $P.gitVersion=$V -X $P.gitMajor=1 -X $P.gitMinor=$(echo "$V" | cut -d. -f2) -X $P.gitTreeState=clean"
for t in $todo; do say "building $t"; nice -n 10 go build -trimpath -ldflags "$X" -o "$WORK/bin/.$t.new" "k8s.io/kubernetes/cmd/$t"; mv "$WORK/bin/.$t.new" "$WORK/bin/$t"; done
say "done: $("$WORK/bin/kubelet" --version)"
