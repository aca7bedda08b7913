#!/usr/bin/env bash
# Runs this program, checkpointctl, ripgrep, grep and GNU strings on the same
# generated evidence, one after the other, and prints times and ratios.
#
#   benches/compare.sh [MEBIBYTES]      (default 1024; BENCH_DIR, RUNS, OURS)
#
# Evidence: runs of 8 pages; runs of 3 pages, which is what real processes
# have; both as plain tar, the first also with gzip and zstd; and a small one
# for hex dumps, which checkpointctl prints at a few MiB a second.
#
# Strings: the same pages, `mem strings` (every ASCII string of 4 and more with
# process, address and source, as the table that is its default) against
# `strings -a -n 4 -t x` (every string with its offset); to nowhere and to a file.
# Literals: `mem search -c` against `rg -c` on the pages file alone, and all
# matches with their addresses against `rg -o -b`.
#
# The needles planted by the generator are a gate for every one of them: an
# answer that misses one, or finds a decoy, ends the run. Times are the best
# of RUNS (default 3) interleaved runs with a warm page cache; the machine
# should be idle. RssAnon is the peak of anonymous memory, sampled while the
# command runs. OURS names a binary that is built already, with `generate`
# beside it in examples/.
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-1024}
runs=${RUNS:-3}
work=${BENCH_DIR:-$(mktemp -d)}
target=${CARGO_TARGET_DIR:-target}
if [ -z "${OURS:-}" ]; then
    # All of it, so that features are those of every other build.
    cargo build --quiet --release --workspace --bins --examples
fi
ours=${OURS:-$target/release/kubectl-checkpoint}
generate=$(dirname "$ours")/examples/generate
small=64
make() { # file, options of the generator
    local file=$1
    shift
    [ -e "$file" ] || "$generate" "$@" "$file"
}
pages_of() {
    [ -e "$2" ] || tar xOf "$1" --wildcards 'checkpoint/pages-*.img' > "$2"
}
evidence=$work/evidence-$size.tar
pages=$work/pages-$size
fragments=$work/fragments-$size.tar
fragment_pages=$work/fragment-pages-$size
little=$work/evidence-$small.tar
little_pages=$work/pages-$small
cache=$work/cache
make "$evidence" --size "$size"
make "$fragments" --size "$size" --run 3
make "$evidence.gz" --size "$size" --compression gzip
make "$evidence.zst" --size "$size" --compression zstd
make "$little" --size "$small"
pages_of "$evidence" "$pages"
pages_of "$little" "$little_pages"
pages_of "$fragments" "$fragment_pages"

email='[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}'
needle=NEEDLE-7f3a91c5e8

gate() { # evidence
    local found
    found=$(mktemp)
    "$ours" mem search -o json "$needle" "$1" > "$found"
    python3 - "$1.needles.json" "$found" "$(basename "$1")" <<'PY'
import json, sys
want = {(p['pid'], p['address']) for p in json.load(open(sys.argv[1]))['places']}
items = json.load(open(sys.argv[2]))['items']
got = {(i['pid'], i['address']) for i in items}
if want != got or len(items) != len(got):
    sys.exit(f'{sys.argv[3]}: needles: {len(want & got)} of {len(want)} found, {len(got - want)} false, {len(items) - len(got)} twice')
print(f'{sys.argv[3]}: needles: {len(got)} of {len(want)} found, none false, none twice')
PY
    rm -f "$found"
}

# Strings and hex dumps must show the first needle where it was planted.
gate_shown() {
    local place
    place=$(python3 -c "
import json, sys
place = next(p for p in json.load(open('$little.needles.json'))['places'] if p['border'] == 'none')
print(place['pid'], place['address'])")
    # shellcheck disable=SC2086
    set -- $place
    "$ours" mem strings -p "$1" --range "$2+64" --no-headers "$little" | grep -q "$needle" || {
        echo "strings: the needle at $2 is not listed" >&2
        exit 1
    }
    "$ours" mem read -p "$1" "$2" 17 "$little" | head -1 | grep -q '|NEEDLE-7f3a91c5e|' || {
        echo "hex dump: the needle at $2 is not shown" >&2
        exit 1
    }
    # Every string of GNU strings that lies inside a run of pages must be ours.
    "$ours" mem strings -o ndjson "$little" > "$work/ours.strings"
    strings -a -n 4 -t d "$little_pages" > "$work/gnu.strings"
    python3 - "$work/ours.strings" "$work/gnu.strings" <<'PY'
import json, sys
from collections import Counter
ours = Counter(json.loads(line)['text'] for line in open(sys.argv[1]) if '"source":"memory"' in line)
gnu, borders = Counter(), 0
for line in open(sys.argv[2], 'rb').read().split(b'\n'):
    if not line.strip():
        continue
    offset, text = line.lstrip().split(b' ', 1)
    # Runs of 8 pages that are side by side in the file are apart in memory, but for every 64th.
    start, end = int(offset), int(offset) + len(text)
    if start // 32768 != (end - 1) // 32768 or start % 32768 == 0 or end % 32768 == 0:
        borders += 1
        continue
    gnu[text.decode()] += 1
missing = sum((gnu - ours).values())
more = sum((ours - gnu).values())
# What GNU strings joins over a border are two of ours at most.
if missing or more > 2 * borders:
    sys.exit(f'strings: {missing} of GNU strings are missing, {more} are more; {borders} at borders')
print(f'strings: all {sum(gnu.values())} of GNU strings inside runs; at borders of runs {borders} of its, {more} of ours')
PY
    rm -f "$work/ours.strings" "$work/gnu.strings"
    echo "strings and hex dump: the needle at $2 of process $1 is shown"
}

# Runs a command; prints seconds, seconds of processor time, and the peak of RssAnon in KiB.
# The output goes through a pipe: some programs do less when it is /dev/null.
measure() {
    python3 - "$@" <<'PY'
import resource, subprocess, sys, threading, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
peak = 0
def watch():
    global peak
    while child.poll() is None:
        try:
            for line in open(f'/proc/{child.pid}/status'):
                if line.startswith('RssAnon'):
                    peak = max(peak, int(line.split()[1]))
        except OSError:
            pass
        time.sleep(0.005)
watcher = threading.Thread(target=watch)
watcher.start()
while child.stdout.read(1 << 20):
    pass
child.wait()
wall = time.perf_counter() - start
watcher.join()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f'{wall:.3f} {used.ru_utime + used.ru_stime:.3f} {peak}')
PY
}

declare -A seconds cpu anonymous
best() {
    local name=$1 wall used peak
    shift
    read -r wall used peak < <(measure "$@")
    if [ -z "${seconds[$name]:-}" ] || python3 -c "exit(not $wall < ${seconds[$name]})"; then seconds[$name]=$wall; fi
    if [ -z "${cpu[$name]:-}" ] || python3 -c "exit(not $used < ${cpu[$name]})"; then cpu[$name]=$used; fi
    if [ "$peak" -gt "${anonymous[$name]:-0}" ]; then anonymous[$name]=$peak; fi
}

row() { # work, ours, theirs
    [ -n "${seconds[$3]:-}" ] || return 0
    python3 - "$1" "$3" "${seconds[$2]}" "${cpu[$2]}" "${seconds[$3]}" "${cpu[$3]}" "${anonymous[$2]}" <<'PY'
import sys
work, name = sys.argv[1:3]
wall, cpu, their_wall, their_cpu, peak = map(float, sys.argv[3:])
print(f'{work:<24} {name:<16} {wall:8.3f} {cpu:8.3f} {their_wall:9.3f} {their_cpu:9.3f}'
      f' {their_wall / wall:7.1f}x {their_cpu / cpu:7.1f}x {peak / 1024:10.1f} MiB')
PY
}

have() { command -v "$1" > /dev/null; }

echo "$("$ours" --version); $(nproc) cores; evidence of $size MiB"
# checkpointctl comes from its Go module, where it is not there already.
if ! have checkpointctl && have go; then
    GOBIN=$work/bin go install github.com/checkpoint-restore/checkpointctl@v1.6.0 || true
    PATH=$PATH:$work/bin
fi
if have checkpointctl; then echo "checkpointctl $(go version -m "$(command -v checkpointctl)" 2> /dev/null | awk '$1 == "mod" { print $3 }')"; fi
if have rg; then rg --version | head -1; fi
grep --version | head -1
if have strings; then strings --version | head -1; fi
if have zstd; then zstd --version; fi
if have pigz; then pigz --version; fi
for file in "$evidence" "$fragments" "$evidence.gz" "$evidence.zst" "$little"; do gate "$file"; done
gate_shown
cat "$evidence" "$pages" "$fragments" "$fragment_pages" "$evidence.gz" "$evidence.zst" > /dev/null
for _ in $(seq "$runs"); do
    for command in show ps files sockets; do best "$command" "$ours" "$command" "$evidence"; done
    if have checkpointctl; then
        best cctl-show checkpointctl show "$evidence"
        best cctl-tree checkpointctl inspect --ps-tree-cmd "$evidence"
        best cctl-files checkpointctl inspect --files "$evidence"
        best cctl-sockets checkpointctl inspect --sockets "$evidence"
    fi
    best literal "$ours" mem search -c "$needle" "$evidence"
    best regex "$ours" mem search -c --regex "$email" "$evidence"
    best fragments-literal "$ours" mem search -c "$needle" "$fragments"
    best fragments-regex "$ours" mem search -c --regex "$email" "$fragments"
    best literal-all "$ours" mem search "$needle" "$evidence"
    best strings "$ours" mem strings "$evidence"
    best strings-file sh -c 'exec "$0" mem strings "$1" > "$2"' "$ours" "$evidence" "$work/out"
    best strings-json "$ours" mem strings -o json "$evidence"
    best hexdump-file sh -c 'exec "$0" mem read -v -p 1 0x7f1000000000+10485760 "$1" > "$2"' "$ours" "$little" "$work/out"
    best memory "$ours" memory "$evidence"
    # The mapping of process 1 of the small evidence, its gaps included, every line.
    best hexdump "$ours" mem read -v -p 1 0x7f1000000000+10485760 "$little"
    best hexdump-64 "$ours" mem read -v -p 1 0x7f1000000000+67108864 "$evidence"
    for packed in gz zst; do
        best "literal-$packed" "$ours" mem search -c "$needle" "$evidence.$packed"
        for command in show ps files sockets; do best "$command-$packed" "$ours" "$command" "$evidence.$packed"; done
        best "strings-$packed" "$ours" mem strings "$evidence.$packed"
        # The first fills the cache, the others are what counts.
        rm -rf "$cache"
        best "cache-fill-$packed" "$ours" --cache "$cache" ps "$evidence.$packed"
        best "cache-ps-$packed" "$ours" --cache "$cache" ps "$evidence.$packed"
        best "cache-literal-$packed" "$ours" --cache "$cache" mem search -c "$needle" "$evidence.$packed"
        rm -rf "$cache"
    done
    if have zstd; then best zstd-dc zstd -qdc "$evidence.zst"; fi
    if have pigz; then best pigz-dc pigz -dc "$evidence.gz"; fi
    if have rg; then
        best rg-literal rg -a -c --no-unicode -F "$needle" "$pages"
        best rg-literal-all rg -a -o -b --no-unicode -F "$needle" "$pages"
        best rg-regex rg -a -c -o --no-unicode "$email" "$pages"
        best rg-fragments-literal rg -a -c --no-unicode -F "$needle" "$fragment_pages"
        best rg-fragments-regex rg -a -c -o --no-unicode "$email" "$fragment_pages"
    fi
    LC_ALL=C best grep-literal grep -a -c -F "$needle" "$pages"
done
# These take long: once is enough to tell by how much. checkpointctl looks into one process at a time.
if have strings; then
    best gnu-strings strings -a -n 4 -t x "$pages"
    best gnu-strings-file sh -c 'exec strings -a -n 4 -t x "$0" > "$1"' "$pages" "$work/out"
fi
extracted=$(mktemp -d "$work/extracted.XXXXXX")
best extract "$ours" extract -d "$extracted/files" "$evidence"
best dump "$ours" mem dump -d "$extracted/memory" "$evidence"
if have crit; then
    mkdir "$extracted/images"
    tar xf "$evidence" -C "$extracted/images" --exclude 'pages-*.img'
    best decode "$ours" decode "$evidence" --output-dir "$extracted/json"
    best crit sh -c 'for image in "$0"/checkpoint/*.img; do crit decode -i "$image"; done' "$extracted/images"
fi
rm -rf "$extracted" "$work/out"
if have checkpointctl; then
    pids=$("$ours" ps --no-headers "$evidence" | awk '{ print $1 }')
    all() { # shellcheck disable=SC2016
        sh -c 'for pid in $1; do checkpointctl memparse -p "$pid" "$2" "$3" "$4"; done' sh "$pids" "$@"
    }
    export -f all
    best cctl-literal bash -c "pids='$(echo $pids)'; $(declare -f all); all -s '$needle' '$evidence'"
    best cctl-hexdump checkpointctl memparse -p 1 -o "$work/hexdump.txt" "$little"
    rm -f "$work/hexdump.txt"
    best cctl-regex bash -c "pids='$(echo $pids)'; $(declare -f all); all -r '$email' '$evidence'"
fi
printf '%-24s %-16s %8s %8s %9s %9s %8s %8s %14s\n' \
    WORK AGAINST OURS 'OUR CPU' THEIRS 'THEIR CPU' RATIO 'CPU' 'OUR RssAnon'
row 'show' show cctl-show
row 'processes with arguments' ps cctl-tree
row 'files' files cctl-files
row 'sockets' sockets cctl-sockets
row 'literal' literal rg-literal
row 'literal' literal grep-literal
row 'literal' literal cctl-literal
row 'e-mail expression' regex rg-regex
row 'e-mail expression' regex cctl-regex
row 'literal, 3-page runs' fragments-literal rg-fragments-literal
row 'e-mail, 3-page runs' fragments-regex rg-fragments-regex
row 'literal, all matches' literal-all rg-literal-all
row 'strings' strings gnu-strings
row 'strings to a file' strings-file gnu-strings-file
row "hex dump of $((small / 8)) MiB" hexdump cctl-hexdump
row 'literal in tar.zst' literal-zst zstd-dc
row 'literal in tar.gz' literal-gz pigz-dc
for command in show ps files sockets; do
    row "$command in tar.zst" "$command-zst" zstd-dc
    row "$command in tar.gz" "$command-gz" pigz-dc
done
row 'strings in tar.zst' strings-zst gnu-strings
row 'strings in tar.gz' strings-gz gnu-strings
row 'ps: cached to plain' cache-ps-zst ps
row 'literal: cached to plain' cache-literal-zst literal
row 'decode of all images' decode crit
row 'hex dump to a file' hexdump-file cctl-hexdump
printf '\n%-24s %8s %14s\n' 'PEAK OF RssAnon' SECONDS MIB
for name in show ps files sockets memory literal literal-all regex strings strings-file strings-json hexdump \
    extract dump show-zst show-gz literal-zst literal-gz strings-zst strings-gz cache-fill-zst cache-fill-gz \
    cache-ps-zst cache-ps-gz cache-literal-zst cache-literal-gz; do
    printf '%-24s %8.3f %14.1f\n' "$name" "${seconds[$name]}" "$(python3 -c "print(${anonymous[$name]} / 1024)")"
done
python3 -c "print(f'hex dump of 64 MiB of memory: ${seconds[hexdump-64]} s, {64 / ${seconds[hexdump-64]}:.0f} MiB/s')"
