#!/usr/bin/env bash
# Runs this program, checkpointctl, ripgrep, grep and GNU strings on the same
# generated evidence, one after the other, and prints times and ratios.
#
#   benches/compare.sh [MEBIBYTES]      (default 1024; BENCH_DIR, RUNS)
#
# The needles planted by the generator are a gate: an answer that misses one,
# or finds a decoy, ends the run. Times are the best of RUNS (default 3)
# interleaved runs with a warm page cache; the machine should be idle.
# RssAnon is the peak of anonymous memory, sampled while the command runs.
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-1024}
runs=${RUNS:-3}
work=${BENCH_DIR:-$(mktemp -d)}
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --release -p kubectl-checkpoint
cargo build --quiet --release -p libforensic --example generate
ours=$target/release/kubectl-checkpoint
evidence=$work/evidence-$size.tar
[ -e "$evidence" ] || "$target/release/examples/generate" --size "$size" "$evidence"
pages=$work/pages-$size
[ -e "$pages" ] || tar xOf "$evidence" --wildcards 'checkpoint/pages-*.img' > "$pages"

email='[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}'
needle=NEEDLE-7f3a91c5e8

gate() {
    local found
    found=$(mktemp)
    "$ours" mem search -o json "$needle" "$evidence" > "$found"
    python3 - "$evidence.needles.json" "$found" <<'PY'
import json, sys
want = {(p['pid'], p['address']) for p in json.load(open(sys.argv[1]))['places']}
items = json.load(open(sys.argv[2]))['items']
got = {(i['pid'], i['address']) for i in items}
if want != got or len(items) != len(got):
    sys.exit(f'needles: {len(want & got)} of {len(want)} found, {len(got - want)} false, {len(items) - len(got)} twice')
print(f'needles: {len(got)} of {len(want)} found, none false, none twice')
PY
    rm -f "$found"
}

# Runs a command, prints seconds and the peak of RssAnon in KiB.
measure() {
    python3 - "$@" <<'PY'
import subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
peak = 0
while child.poll() is None:
    try:
        for line in open(f'/proc/{child.pid}/status'):
            if line.startswith('RssAnon'):
                peak = max(peak, int(line.split()[1]))
    except OSError:
        pass
    time.sleep(0.002)
print(f'{time.perf_counter() - start:.3f} {peak}')
PY
}

declare -A seconds anonymous
best() {
    local name=$1 result
    shift
    result=$(measure "$@")
    local s=${result% *} a=${result#* }
    if [ -z "${seconds[$name]:-}" ] || python3 -c "exit(not $s < ${seconds[$name]})"; then seconds[$name]=$s; fi
    if [ "$a" -gt "${anonymous[$name]:-0}" ]; then anonymous[$name]=$a; fi
}

row() { # work, ours, theirs
    [ -n "${seconds[$3]:-}" ] || return 0
    python3 -c "print(f'{\"$1\":<34} {\"$3\":<22} {${seconds[$2]}:>8.3f} s {${seconds[$3]}:>9.3f} s {${seconds[$3]}/${seconds[$2]}:>8.1f} x {${anonymous[$2]}/1024:>8.1f} MiB')"
}

have() { command -v "$1" > /dev/null; }

echo "$("$ours" --version); $(nproc) cores; evidence of $size MiB"
if have checkpointctl; then checkpointctl --version | head -1; fi
if have rg; then rg --version | head -1; fi
grep --version | head -1
if have strings; then strings --version | head -1; fi
gate
cat "$evidence" "$pages" > /dev/null
for _ in $(seq "$runs"); do
    best literal "$ours" mem search -c "$needle" "$evidence"
    best regex "$ours" mem search -c --regex "$email" "$evidence"
    best dump sh -c "'$ours' mem read -v -p 1 $(printf '0x%x' 0x7f1000000000)+33554432 '$evidence' > /dev/null"
    if have rg; then
        best rg-literal rg -a -c --no-unicode -F "$needle" "$pages"
        best rg-regex rg -a -c -o --no-unicode "$email" "$pages"
    fi
    LC_ALL=C best grep-literal grep -a -c -F "$needle" "$pages"
done
# These take long: once is enough to tell by how much.
if have strings; then best strings-gnu strings -a "$pages"; fi
if have checkpointctl; then
    best cctl-literal checkpointctl memparse -s "$needle" -p 1 "$evidence"
    best cctl-regex checkpointctl memparse -r "$email" -p 1 "$evidence"
fi
printf '%-34s %-22s %10s %11s %10s %12s\n' WORK AGAINST OURS THEIRS RATIO "OUR RssAnon"
row 'literal, all memory' literal rg-literal
row 'literal, all memory' literal grep-literal
row 'literal, all (theirs: 1 process)' literal cctl-literal
row 'e-mail regex, all memory' regex rg-regex
row 'e-mail regex (theirs: 1 process)' regex cctl-regex
