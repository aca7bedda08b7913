#!/usr/bin/env bash
# Feeds a million mutated inputs to the library and prints how it went.
# hostile/run.sh [INPUTS [SEED]]
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo run --quiet --profile hostile -p hostile -- "${1:-1000000}" "${2:-1}"
