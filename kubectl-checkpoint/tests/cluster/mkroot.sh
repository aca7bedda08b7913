#!/bin/bash
# makes the Debian root of the lab (containerd, runc, CRIU, etcd) and its two images, once
set -e; . "$(dirname "$0")/env.sh"
mkdir -p "$WORK"/{bin,images}
need() { command -v "$1" >/dev/null || miss="$miss $2"; }
have_root() { [ -x "$ROOT/usr/sbin/criu" ] && [ ! -e "$ROOT/debootstrap" ]; } # debootstrap removes its directory when it is done
miss=; have_root || need debootstrap debootstrap
need gcc gcc; need python3 python3; need openssl openssl; need curl curl; need ip iproute2; need pgrep procps
[ -z "$miss" ] || { apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $miss; }
if ! have_root; then
  # the script "sid" is named because an older debootstrap has none for forky; LAB_MIRROR: another mirror than the default
  [ ! -e "$ROOT/debootstrap" ] || rm -rf "$ROOT"
  debootstrap --variant=minbase --include=ca-certificates,criu,runc,containerd,etcd-server,procps,iproute2,iptables,busybox-static,containernetworking-plugins \
    forky "$ROOT" "${LAB_MIRROR-}" sid
  rm -f "$ROOT"/var/cache/apt/archives/*.deb
fi
gcc -O2 -static -nostdlib -ffreestanding -fno-stack-protector -o "$WORK/images/pause" "$LAB/images/pause.c"
python3 "$LAB/images/mkimg.py" "$WORK/images/pause.tar" lab.local/pause:1 '["/pause"]' /pause="$WORK/images/pause"
python3 "$LAB/images/mkimg.py" "$WORK/images/busybox.tar" lab.local/busybox:1 '[]' /bin/busybox="$ROOT/bin/busybox"
echo "root: $ROOT"; for p in containerd runc criu etcd-server; do chroot "$ROOT" dpkg-query -W -f '  ${Package} ${Version}\n' $p; done
