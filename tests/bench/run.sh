#!/usr/bin/env bash
# Measures the bridge beside nginx in the same minute and prints one table.
#   tests/bench/run.sh [--seconds N] [--rounds N]     default 5 s a measurement, 3 rounds
# wrk runs on one core, the server under test on the other. Bodies are 1.8 kB; the signature covers
# the body alone (preset github), so that the load tool does not sign: the id is an unsigned header.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=5
rounds=3
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift 2 ;;
    --rounds) rounds=$2; shift 2 ;;
    *) sed -n '2,5p' "$0"; exit 2 ;;
  esac
done

scripts/install-deps.sh bench
cmake --preset release >/dev/null
scripts/build.sh release hookbridge hookctl lag_bench
bin=$PWD/build/release/server/hookbridge
lag=$PWD/build/release/tests/bench/lag_bench
work=$PWD/build/bench
rm -rf "$work"
mkdir -p "$work"
server_cpu=0
load_cpu=1
http=18080
grpc=19090
nginx_port=18081
export BENCH_SECRET=bench-secret-0123456789

pids=()
stop_all() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; pids=(); }
trap stop_all EXIT

cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path $work/body;
  server { listen 127.0.0.1:$nginx_port; location / {
    default_type application/json; return 200 '{"id":"019a0000-0000-7000-8000-000000000000"}'; } } }
CONF
cat >"$work/bridge.yaml" <<CONF
ingress: {listen: "127.0.0.1:$http"}
grpc: {listen: "127.0.0.1:$grpc"}
journal: {directory: $work/data, max_bytes: 60GiB}
log: {level: error}
sources: [{name: github, preset: github, keys: [{secret: "env:BENCH_SECRET"}]}]
CONF
python3 - "$work/body.json" <<'PY'
import json, sys
body = {"action": "opened", "number": 17, "installation": {"id": 42}, "sender": {"login": "octo", "id": 1}}
body["items"] = [{"id": i, "amount": 1999 + i, "currency": "EUR", "name": "item number %d" % i,
                  "url": "https://shop.example/items/%d" % i} for i in range(16)]
text = json.dumps(body, separators=(",", ":"))
body["note"] = "x" * max(0, 1800 - len(text) - 10)
open(sys.argv[1], "w").write(json.dumps(body, separators=(",", ":")))
PY
mac=$(openssl dgst -sha256 -hmac "$BENCH_SECRET" -r "$work/body.json" | cut -d' ' -f1)
cat >"$work/load.lua" <<'LUA'
local file = io.open(os.getenv("BENCH_BODY")); local body = file:read("a" ) or ""; file:close()
if body == "" then file = io.open(os.getenv("BENCH_BODY")); body = file:read("*a"); file:close() end
local head = "POST " .. os.getenv("BENCH_PATH") .. " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
  .. "X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=" .. os.getenv("BENCH_MAC")
  .. "\r\nContent-Length: " .. #body .. "\r\nX-GitHub-Delivery: "
local tail = "\r\n\r\n" .. body
local base = tostring(os.time()) .. "-" .. os.getenv("BENCH_RUN") .. "-"
local count = 0
function request() count = count + 1; return head .. base .. count .. tail end
function done(summary, latency)
  io.write(string.format("RESULT %.0f %.3f %.3f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status))
end
LUA

wait_ready() { for _ in $(seq 200); do curl -fs "$1" >/dev/null 2>&1 && return 0; sleep 0.05; done; echo "no answer from $1"; exit 1; }
start_bridge() {
  rm -rf "$work/data"
  taskset -c $server_cpu "$bin" serve --config "$work/bridge.yaml" "$@" 2>"$work/bridge.log" &
  pids+=($!)
  bridge=$!
  wait_ready "http://127.0.0.1:$http/readyz"
}
run=0
# load URL PATH MAC: prints rate, p50 ms, p99 ms, non-2xx.
load() {
  run=$((run + 1))
  BENCH_BODY=$work/body.json BENCH_PATH=$2 BENCH_MAC=$3 BENCH_RUN=$run taskset -c $load_cpu \
    wrk -t1 -c64 -d"${seconds}s" -s "$work/load.lua" "$1" | awk '/^RESULT/ {print $2, $3, $4, $5}'
}
rss_mb() { awk '/VmRSS/ {printf "%.0f", $2 / 1024}' "/proc/$1/status"; }
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "/proc/$1/stat"; }

taskset -c $server_cpu nginx -c "$work/nginx.conf" -p "$work" 2>/dev/null &
pids+=($!)
wait_ready "http://127.0.0.1:$nginx_port/"
bad=$(printf '0%.0s' $(seq 64))
: >"$work/rows"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds"
  read -r n_rate n50 n99 n_err < <(load "http://127.0.0.1:$nginx_port" / "$mac")
  start_bridge
  read -r r_rate r50 r99 r_err < <(load "http://127.0.0.1:$http" /hooks/github "$bad")
  cpu0=$(cpu_seconds "$bridge")
  read -r d_rate d50 d99 d_err < <(load "http://127.0.0.1:$http" /hooks/github "$mac")
  cpu1=$(cpu_seconds "$bridge")
  rss=$(rss_mb "$bridge")
  kill "$bridge"; wait "$bridge" 2>/dev/null || true
  [ "$d_err" = 0 ] || { echo "$d_err answers were not 2xx"; tail -n 3 "$work/bridge.log"; exit 1; }
  [ "$r_err" != 0 ] || { echo "forged requests were accepted"; exit 1; }
  awk -v n="$n_rate" -v n50="$n50" -v n99="$n99" -v r="$r_rate" -v r50="$r50" -v r99="$r99" \
    -v d="$d_rate" -v d50="$d50" -v d99="$d99" -v rss="$rss" -v cpu="$cpu0 $cpu1" -v s="$seconds" \
    'BEGIN {split(cpu, c, " "); print n, n50, n99, r, r50, r99, r / n, d, d50, d99, d / n, rss, (c[2] - c[1]) * 1e6 / (d * s)}' >>"$work/rows"
done

echo
echo "Lag from the sender's 2xx to the subscriber, 2 000 events/s"
for subscribers in 1 4; do
  start_bridge
  taskset -c $load_cpu "$lag" --http 127.0.0.1:$http --grpc 127.0.0.1:$grpc --secret "$BENCH_SECRET" \
    --body "$work/body.json" --rate 2000 --seconds "$((seconds * 2))" --subscribers $subscribers
  kill "$bridge"; wait "$bridge" 2>/dev/null || true
done

echo
printf '%s, %s rounds of %s s, medians; wrk -t1 -c64 on one core, the server on the other, 1.8 kB bodies\n' \
  "$(git rev-parse --short HEAD)" "$rounds" "$seconds"
python3 - "$work/rows" <<'PY'
import statistics, sys
rows = [list(map(float, line.split())) for line in open(sys.argv[1])]
m = [statistics.median(column) for column in zip(*rows)]
line = "%-34s %10s %8s %9s %9s %8s  %s"
print(line % ("what", "req/s", "ratio", "p50 ms", "p99 ms", "RSS MB", "meaning of the answer"))
print(line % ("nginx return 200", "%.0f" % m[0], "1.00", "%.2f" % m[1], "%.2f" % m[2], "", "nothing was looked at"))
print(line % ("hookbridge verify and refuse", "%.0f" % m[3], "%.2f" % m[6], "%.2f" % m[4], "%.2f" % m[5], "", "401: the signature does not match"))
print(line % ("hookbridge verified, durable, 200", "%.0f" % m[7], "%.2f" % m[10], "%.2f" % m[8], "%.2f" % m[9], "%.0f" % m[11],
              "200: on stable storage (fdatasync), deduplicated"))
print("CPU per durable event, all threads: %.1f us" % m[12])
PY
