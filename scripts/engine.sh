#!/usr/bin/env bash
# A container engine by hand, for a machine where none answers: its own socket and data folder, and
# a base image debian:bookworm-slim made with debootstrap. Needs root. Safe to run again.
#   eval "$(scripts/engine.sh start)"   starts it and exports DOCKER_HOST
#   scripts/engine.sh stop              stops it; images stay for the next start
#   scripts/engine.sh remove            stops it and deletes all it has
# HOOKBRIDGE_ENGINE is its folder, default /tmp/hookbridge-engine.
set -euo pipefail
dir=${HOOKBRIDGE_ENGINE:-/tmp/hookbridge-engine}
export DOCKER_HOST=unix://$dir/docker.sock
log() { echo "engine: $*" >&2; }

install_missing() {
  local missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  command -v pkill >/dev/null || missing+=(procps)
  [ ${#missing[@]} -gt 0 ] || return 0
  log "installing ${missing[*]}"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" iptables >/dev/null
}

# Of an engine that was killed: its containerd, mounts, and pid files that name what is no more.
clear_leftovers() {
  pkill -9 -f -- "$dir/exec/" || true
  findmnt -rno TARGET | { grep "^$dir/" || true; } | sort -r | xargs -r umount -l
  rm -rf "$dir/exec" "$dir/pid"
}

start_daemon() {
  docker info >/dev/null 2>&1 && return 0
  log "starting dockerd in $dir"
  clear_leftovers
  mkdir -p "$dir"
  setsid dockerd --host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" \
    --pidfile "$dir/pid" >>"$dir/log" 2>&1 </dev/null &
  for _ in $(seq 120); do
    docker info >/dev/null 2>&1 && return 0
    sleep 0.5
  done
  tail -n 5 "$dir/log" >&2
  log "dockerd does not answer"
  exit 1
}

# What the published slim image is: a minimal Debian without documents, translations and lists. The
# machine's package sources and certificate authorities come along, so that builds inside reach what
# the machine reaches.
make_base() {
  docker image inspect debian:bookworm-slim >/dev/null 2>&1 && return 0
  log "making debian:bookworm-slim with debootstrap"
  local root=$dir/root
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$dir/debootstrap.log" 2>&1 ||
    { tail -n 5 "$dir/debootstrap.log" >&2; exit 1; }
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian groff linda \
    >"$root/etc/dpkg/dpkg.cfg.d/slim"
  rm -rf "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/lib/apt/lists/* \
    "$root"/var/cache/{apt,debconf}/* "$root"/var/log/*.log
  local source
  for source in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    [ ! -f "$source" ] || { rm -f "$root/etc/apt/sources.list"; cp "$source" "$root$source"; }
  done
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
  fi
  # The default of apt in an image: nothing is kept, nothing is suggested.
  printf 'Acquire::Check-Valid-Until "false";\nAPT::Install-Recommends "false";\n' \
    >"$root/etc/apt/apt.conf.d/90slim"
  tar -C "$root" -c . | docker import --change 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
  rm -rf "$root"
}

stop_daemon() {
  [ -f "$dir/pid" ] || return 0
  local pid
  pid=$(cat "$dir/pid")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 60); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
}

case ${1:-} in
  start)
    [ "$(id -u)" -eq 0 ] || { log "needs root"; exit 1; }
    install_missing
    start_daemon
    make_base
    echo "export DOCKER_HOST=$DOCKER_HOST"
    ;;
  stop) stop_daemon ;;
  remove) stop_daemon; clear_leftovers; rm -rf "$dir" ;;
  *) sed -n '2,7p' "$0"; exit 2 ;;
esac
