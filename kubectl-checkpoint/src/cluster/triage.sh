# Copies what /proc says of a container's processes into a tar. Runs in a
# collector pod on the node: a POSIX shell, and the usual small tools.
#   $1 id of the container   $2 about.json   $3 whether to read memory (yes, no)
#   $4 a directory that can be written to   $5 name of the tar in it   $6 /proc
umask 077
id=$1 memory=$3 top=$4/triage out=$4/$5
has() { command -v "$1" >/dev/null 2>&1; }
for tool in cat grep mkdir readlink rm tar; do
  has $tool || { echo "the collector's image has no $tool" >&2; exit 6; }
done
if [ "$memory" = yes ]; then
  for tool in awk dd od wc; do has $tool || { echo "the collector's image has no $tool, which reading memory needs" >&2; exit 6; }; done
fi
mkdir -p "$top/proc" "$top/net" "$top/exe" "$top/host" || exit 3
printf '%s\n' "$2" >"$top/about.json"
if has uname; then uname -srvm >"$top/uname"; uname -m >"$top/machine"; fi
has date && date -u +%s >"$top/began"
cd "$6" || exit 3

# Name NUL target NUL, of each link: a target may hold anything but a NUL.
links() {
  for l in "$@"; do
    [ -L "$l" ] || continue
    printf '%s\0' "$l"; readlink -n "$l"; printf '\0'
  done
}
# A file that cannot be read is left out; one that is empty is kept.
copy() { cat "$1" >"$2" 2>/dev/null || rm -f "$2"; }

# Appends the pages of one mapping ($1 start, $2 pages, in pages) that are there, and notes where they belong.
mapping() {
  dd if=pagemap bs=8 skip="$1" count="$2" 2>/dev/null | od -An -v -tx1 -w8 | awk '
    # The highest bits of each word: in memory, swapped out.
    { here = $8 ~ /^[4-9a-f]/ }
    here && !run { from = NR - 1; run = 1 }
    !here && run { print from, NR - 1 - from; run = 0 }
    END { if (run) print from, NR - from }' |
  while read -r from count; do
    dd if=mem bs=4096 skip=$(($1 + from)) count="$count" 2>/dev/null >>"$pages"
    now=$(($(wc -c <"$pages")))
    got=$(((now - at) / 4096))
    # A page that was cut off is filled up, and counts as not read.
    [ $(((now - at) % 4096)) = 0 ] || { dd if=/dev/zero bs=$((4096 - (now - at) % 4096)) count=1 2>/dev/null >>"$pages"; got=$((got + 1)); }
    [ $got = 0 ] || printf '%x %x\n' $((($1 + from) * 4096)) $((($1 + from + got) * 4096))
    at=$(($(wc -c <"$pages")))
  done
}
pages() { # $1 number of the process, $2 its directory
  case $(grep -m 1 '^KernelPageSize:' smaps 2>/dev/null) in
    *' 4 kB') ;;
    *) echo "memory of process $1 was not read: its pages are not of 4 KiB" >&2; return ;;
  esac
  pages=$top/pages-$1.img
  : >"$pages"
  while read -r range perms _ _ _ path; do
    case $perms in r*) ;; *) continue ;; esac
    case $path in
      '[vvar'* | '[vsyscall]') continue ;;
      /memfd:* | /SYSV* | /dev/zero* | /dev/shm/*) ;;
      /dev/*) continue ;;
      /*) case $perms in ???s) continue ;; esac ;;
    esac
    start=$((0x${range%-*} / 4096)) end=$((0x${range#*-} / 4096))
    at=$(($(wc -c <"$pages")))
    mapping $start $((end - start))
  done <"$2/maps" >"$2/ranges"
}

pids=
for c in [0-9]*/cgroup; do
  grep -q -F -e "$id" "$c" 2>/dev/null && pids="$pids ${c%/cgroup}"
done
[ -n "$pids" ] || { echo "no process of container $id is on this node" >&2; exit 4; }
(cd 1 2>/dev/null && links ns/*) >"$top/host/links"

# What goes away first: connections.
nets=
for p in $pids; do
  n=$(readlink "$p/ns/net") || continue
  n=${n#net:[} n=${n%]}
  case " $nets " in *" $n "*) continue ;; esac
  nets="$nets $n"
  mkdir -p "$top/net/$n"
  for f in tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix netlink packet route ipv6_route arp dev if_inet6 fib_trie snmp; do
    copy "$p/net/$f" "$top/net/$n/$f"
  done
done
count=0
for p in $pids; do
  d=$top/proc/$p
  (
    cd "$p" 2>/dev/null || exit 0
    mkdir -p "$d"
    for f in status stat cmdline comm environ maps limits cgroup mountinfo auxv oom_score_adj loginuid sessionid personality syscall wchan stack io uid_map gid_map timens_offsets smaps_rollup; do
      copy $f "$d/$f"
    done
    copy attr/current "$d/attr_current"
    links exe cwd root fd/* ns/* >"$d/links" 2>/dev/null
    grep -H '' fdinfo/* >"$d/fdinfo" 2>/dev/null
    has stat && stat -L -c '%n %f %s %h %t' fd/* >"$d/fdstat" 2>/dev/null
    for k in task/*; do
      [ "$k" = "task/$p" ] && continue
      mkdir -p "$d/$k"
      for f in status stat comm syscall; do copy "$k/$f" "$d/$k/$f"; done
    done
    e=$p
    has stat && e=$(stat -L -c '%d-%i' exe 2>/dev/null)
    if [ -n "$e" ]; then
      printf '%s\n' "$e" >"$d/exeid"
      [ -e "$top/exe/$e" ] || copy exe "$top/exe/$e"
    fi
    [ "$memory" = yes ] && pages "$p" "$d"
    exit 0
  )
  count=$((count + 1))
done
has date && date -u +%s >"$top/ended"
cd "$4" && tar -cf "$out" triage || { echo "the archive could not be written" >&2; exit 5; }
rm -rf "$top"
echo "processes $count"
