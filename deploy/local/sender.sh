#!/usr/bin/env bash
# The sender of the local stack: a short tour, then a webhook every SENDER_INTERVAL seconds, good
# ones and bad ones, until it is stopped.
set -u
say() { printf '%s\n' "$@"; }

# send SOURCE PRESET SECRET [FAULT]: shows the command and what the bridge answers.
send() {
  local command=(hookctl send "$2" --source "$1" --secret "env:$3" ${4:+"$4"})
  say "  \$ ${command[*]}"
  "${command[@]}" 2>&1 | sed 's/^/    /'
  [ "${PIPESTATUS[0]}" -ne 3 ] ||
    say "    The bridge is away. A provider sends it again later; so would you."
}
po() { send po payment_options PO_TOKEN "$@"; }
stripe() { send stripe stripe STRIPE_SECRET "$@"; }
github() { send github github GITHUB_SECRET "$@"; }

# What the sender is not told, and the operator is.
reason() {
  say "  \$ hookctl rejections --source $1 --count 1"
  hookctl rejections --source "$1" --count 1 2>&1 | head -n 1 | sed 's/^/    /'
}

tour() {
  say '' '=== What providers send, and what becomes of it. The bridge answers 200 when it is on disk.'
  say '' '1. Payment Options: the secret is a token in the URL.'
  po
  say '' '2. Stripe: an HMAC over time and body.'
  stripe
  say '' '3. GitHub: an HMAC over the body.'
  github
  say '' '4. GitHub sends the same delivery twice: the second is told the id of the first,' \
    '   and services get it once.'
  github --duplicate
  say '' '5. A forged Stripe event: 401, nothing is stored. Whoever forges learns no more than that.'
  stripe --bad-signature
  reason stripe
  say '' '6. A Stripe event of twelve hours ago, a replay or a very late retry: 401.'
  stripe --stale
  reason stripe
  say '' '7. Payment Options with a wrong token: 401.'
  po --bad-signature
  reason po
  cat <<'NEXT'

=== Your turn, in another terminal, in the same folder:

  # A Payment Options webhook of your own; subscriber-python and subscriber-go print it.
  curl -i -d @deploy/local/payment.json http://127.0.0.1:8080/hooks/po/po-demo-token

  # What is stored, what was refused, each source's counters.
  docker compose exec bridge hookctl tail --from earliest --until-caught-up
  docker compose exec bridge hookctl rejections
  docker compose exec bridge hookctl sources

  # The typed API, without installing anything.
  docker compose run --rm grpcurl -plaintext bridge:9090 describe hookbridge.v1.DeliveryService

  # Pull the plug. Nothing that was answered 200 is lost, and the subscribers go on by themselves.
  docker compose kill bridge
  docker compose start bridge

  # docs/tutorial.md goes on to a subscriber of your own. With docker-compose 1.29, write
  # `docker-compose` for `docker compose`.

NEXT
}

# Seven of ten are good.
one() {
  case $((RANDOM % 10)) in
    0 | 1 | 2) say 'Payment Options: a payment.'; po ;;
    3 | 4) say 'Stripe: a payment.'; stripe ;;
    5 | 6) say 'GitHub: an issue.'; github ;;
    7) say 'GitHub: one delivery, twice.'; github --duplicate ;;
    8) say 'Stripe: forged.'; stripe --bad-signature; reason stripe ;;
    9) say 'Stripe: stale.'; stripe --stale; reason stripe ;;
  esac
}

tour
interval=${SENDER_INTERVAL:-5}
say "=== From here on, a webhook every $interval s. SENDER_INTERVAL changes that."
while sleep "$interval"; do
  one
done
