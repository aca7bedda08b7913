#!/bin/bash
# The end-to-end test: builds and starts the one-node cluster where this machine
# can run it, runs e2e.sh against it, takes it down. Says so when it is skipped.
set -euo pipefail
cd "$(dirname "$0")"
if ! why=$(./supported.sh); then
  echo "SKIPPED: end-to-end test against a real cluster: $why"
  exit 0
fi
. ./env.sh
was_up=
lab_pid >/dev/null && was_up=1
./build.sh
./mkroot.sh
[ -n "$was_up" ] || trap ./down.sh EXIT
[ -n "$was_up" ] || ./up.sh
./demo.sh
./e2e.sh
