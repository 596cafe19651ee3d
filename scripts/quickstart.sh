#!/usr/bin/env bash
# Installs what is missing, builds the bridge, and shows its main job: signed webhooks arrive on a
# gRPC stream, a forged one is refused, and kill -9 loses nothing. Safe to run again.
#   scripts/quickstart.sh            the whole tour, about a minute when it is built
#   scripts/quickstart.sh --keep     leaves the bridge running at the end
set -euo pipefail
cd "$(dirname "$0")/.."

keep=
case ${1:-} in
  '') ;;
  --keep) keep=1 ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac

started=$SECONDS
step() { printf '\n\033[1m== [%3d s] %s\033[0m\n' $((SECONDS - started)) "$*"; }
run() { printf '   $ %s\n' "$*"; "$@" 2>&1 | sed 's/^/   /'; }
# A command that is expected to fail.
run_refused() { printf '   $ %s\n' "$*"; { "$@" 2>&1 || true; } | sed 's/^/   /'; }

step "Install what is missing from the distribution"
scripts/install-deps.sh build

step "Build (a second run only checks)"
log=$(mktemp)
cmake --preset ship >"$log" 2>&1 || { cat "$log"; exit 1; }
rm -f "$log"
scripts/build.sh ship hookbridge hookctl

bin=$PWD/build/ship
export PATH=$bin/server:$bin/client/hookctl:$PATH
http=${HOOKBRIDGE_HTTP_PORT:-8080}
grpc=${HOOKBRIDGE_GRPC_PORT:-9090}
work=$PWD/build/quickstart
rm -rf "$work"
mkdir -p "$work"
cd "$work"

cat >hookbridge.yaml <<YAML
# Two sources: Payment Options carries a secret in the URL, Stripe signs what it sends.
ingress: {listen: "127.0.0.1:$http"}
grpc: {listen: "127.0.0.1:$grpc"}
journal: {directory: $work/data}
log: {requests: true}
sources:
  - name: po
    preset: payment_options
    keys: [{secret: "env:PO_TOKEN"}]
  - name: stripe
    preset: stripe
    keys: [{secret: "env:STRIPE_SECRET"}]
YAML
PO_TOKEN=po-$(openssl rand -hex 16)
STRIPE_SECRET=whsec_$(openssl rand -hex 16)
export PO_TOKEN STRIPE_SECRET
export HOOKBRIDGE_GRPC=127.0.0.1:$grpc

bridge=
tail_pid=
cleanup() {
  [ -z "$tail_pid" ] || kill "$tail_pid" 2>/dev/null || true
  [ -z "$bridge" ] || [ -n "$keep" ] || kill "$bridge" 2>/dev/null || true
}
trap cleanup EXIT

start_bridge() {
  hookbridge serve --config hookbridge.yaml 2>>bridge.log &
  bridge=$!
  for _ in $(seq 100); do
    curl -fs "http://127.0.0.1:$http/readyz" >/dev/null 2>&1 && return 0
    kill -0 "$bridge" 2>/dev/null || { echo "the bridge stopped:"; tail -n 5 bridge.log; exit 1; }
    sleep 0.1
  done
  echo "the bridge is not ready:"; tail -n 5 bridge.log; exit 1
}
# Waits until the stream has shown N events in all.
wait_events() {
  for _ in $(seq 100); do
    [ "$(grep -c . stream.log 2>/dev/null || true)" -ge "$1" ] && return 0
    sleep 0.1
  done
  echo "only $(grep -c . stream.log || true) of $1 events arrived"; cat stream.err; exit 1
}

step "Check the configuration and start the bridge on its embedded journal"
run hookbridge check --config hookbridge.yaml
start_bridge
echo "   webhooks: http://127.0.0.1:$http/hooks/{po,stripe}   gRPC: 127.0.0.1:$grpc   data: $work/data"

step "Subscribe: a gRPC stream from the beginning, its cursor kept in a file"
echo "   \$ hookctl tail --from earliest --cursor-file cursor &"
hookctl tail --from earliest --cursor-file cursor >stream.log 2>stream.err &
tail_pid=$!

step "Send signed webhooks: two payments and a Stripe event"
run hookctl send payment_options --url "http://127.0.0.1:$http/hooks/po" --secret env:PO_TOKEN --times 2
run hookctl send stripe --url "http://127.0.0.1:$http/hooks/stripe" --secret env:STRIPE_SECRET
wait_events 3
echo "   They arrived on the stream:"
sed 's/^/   | /' stream.log

step "Send a forged one"
run_refused hookctl send stripe --url "http://127.0.0.1:$http/hooks/stripe" --secret env:STRIPE_SECRET --bad-signature
echo "   The sender learns nothing; the operator sees the reason:"
run hookctl sources
grep -o '"event":"webhook_refused".*' bridge.log | tail -n 1 | sed 's/^/   log: {/'

step "kill -9 the bridge, start it again: acknowledged events are there, the stream resumes"
before=$(grep -c . stream.log)
{ kill -9 "$bridge"; wait "$bridge"; } 2>/dev/null || true
start_bridge
run hookctl send payment_options --url "http://127.0.0.1:$http/hooks/po" --secret env:PO_TOKEN
wait_events $((before + 1))
echo "   The same stream, resumed at its cursor by itself:"
sed 's/^/   | /' stream.log
stored=$(hookctl tail --from earliest --until-caught-up --json | grep -c .)
shown=$(grep -c . stream.log)
echo "   acknowledged 4, in the journal $stored, on the stream $shown"
[ "$stored" = 4 ] && [ "$shown" = 4 ] || { echo "   this should not happen"; exit 1; }

step "Done. What to try next"
cat <<NEXT
   scripts/quickstart.sh --keep                 # the same, and leaves the bridge running; then:
   cd $work; export PATH=$bin/server:$bin/client/hookctl:\$PATH HOOKBRIDGE_GRPC=127.0.0.1:$grpc
   hookctl tail --from earliest                 # follow the stream
   hookctl events list; hookctl sources
   grpcurl -plaintext 127.0.0.1:$grpc describe hookbridge.v1.DeliveryService
   grpcurl -plaintext -d '{"cursor_read":{"preset":"START_PRESET_EARLIEST","stop_at_end":true}}' \\
     127.0.0.1:$grpc hookbridge.v1.DeliveryService/Subscribe
   body='{"id":"evt_by_hand","type":"invoice.paid","livemode":false}'; now=\$(date +%s)
   mac=\$(printf '%s.%s' "\$now" "\$body" | openssl dgst -sha256 -hmac '$STRIPE_SECRET' -r | cut -d' ' -f1)
   curl -i -H "Stripe-Signature: t=\$now,v1=\$mac" -d "\$body" http://127.0.0.1:$http/hooks/stripe
NEXT
[ -z "$keep" ] || { echo; echo "   The bridge runs as process $bridge; stop it with: kill $bridge"; disown "$bridge"; }
