#!/bin/bash
# The end-to-end test: builds and starts the one-node cluster where this machine
# can run it, runs e2e.sh, answers.sh and breaks.sh against it, takes it down. Says so when it is skipped.
#
# breaks.sh, over two minutes, is left out where the binaries had to be built first: all of CI must
# take less than half an hour.
#
#   ci.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "$0")"
if ! why=$(./supported.sh); then
  echo "SKIPPED: end-to-end test against a real cluster: $why"
  exit 0
fi
. ./env.sh
was_up=
lab_pid >/dev/null && was_up=1
tests="e2e answers breaks"
[ -x "$WORK/bin/kubelet" ] || tests="e2e answers"
./build.sh
./mkroot.sh
[ -n "$was_up" ] || trap ./down.sh EXIT
[ -n "$was_up" ] || ./up.sh
./demo.sh
program=${1:-${CARGO_TARGET_DIR:-$LAB/../../../target}/debug/kubectl-checkpoint}
for test in $tests; do
  echo "--- $test.sh"
  CHECKPOINT_E2E_LAB=$WORK ./$test.sh "$program"
done
[ "$tests" != "e2e answers" ] || echo "SKIPPED: breaks.sh (node disk full, kubelet stopped): Kubernetes had to be built first"
