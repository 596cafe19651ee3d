#include "server/verify/internal/braintree.h"

#include "server/base/encoding.h"
#include "server/base/form_scan.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/constant_time.h"
#include "server/verify/internal/handshake.h"

#include <algorithm>
#include <optional>

namespace hookbridge {
namespace {

constexpr std::string_view kSignatureField = "bt_signature";
constexpr std::string_view kPayloadField = "bt_payload";

struct Form {
  std::optional<std::string> signature;
  std::optional<std::string> payload;
  bool other = false;  // repeats, further fields, or no form
};

Form ReadForm(std::string_view body) {
  Form read;
  FormScanner form(body);
  while (form.Next()) {
    auto* const field = form.name() == kSignatureField ? &read.signature
                        : form.name() == kPayloadField ? &read.payload
                                                       : nullptr;
    if (field == nullptr || *field) {
      read.other = true;
    } else {
      *field = form.value();
    }
  }
  read.other |= !form.status().ok();
  return read;
}

// A pair of bt_signature.
struct Pair {
  std::string_view public_key;
  std::optional<std::string> bytes;
};

std::optional<std::vector<Pair>> ReadPairs(std::string_view text) {
  std::vector<Pair> pairs;
  while (true) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const size_t bar = pair.find('|');
    if (bar == std::string_view::npos || pairs.size() == limits::kSignaturesMax) {
      return std::nullopt;
    }
    pairs.push_back({.public_key = pair.substr(0, bar), .bytes = HexDecode(pair.substr(bar + 1))});
    if (end == std::string_view::npos) return pairs;
    text.remove_prefix(end + 1);
  }
}

bool Matches(const RingKey& key, const std::vector<Pair>& pairs, std::string_view payload) {
  const auto& hmac = std::get<HmacKey>(key.material);
  const std::string_view as_sent[] = {payload};
  const std::string_view with_end[] = {payload, "\n"};
  const Digest first = hmac.Sign(as_sent);
  const Digest second = hmac.Sign(with_end);
  bool matched = false;
  for (const Pair& pair : pairs) {
    if (pair.public_key != key.public_name || !pair.bytes) continue;
    matched |= SecretsEqual(*pair.bytes, first.bytes());
    matched |= SecretsEqual(*pair.bytes, second.bytes());
  }
  return matched;
}

}  // namespace

absl::StatusOr<std::pair<std::string, HmacKey>> MakeBraintreeKey(std::string_view secret) {
  const size_t bar = secret.find('|');
  if (bar == std::string_view::npos || !IsEchoable(secret.substr(0, bar)) ||
      bar + 1 == secret.size()) {
    return absl::InvalidArgumentError("is not `public key|private key`");
  }
  const Digest key = Hash(config::v1::HASH_FUNCTION_SHA1, secret.substr(bar + 1));
  auto hmac = HmacKey::Create(config::v1::HASH_FUNCTION_SHA1, key.bytes());
  if (!hmac.ok()) return hmac.status();
  return std::pair(std::string(secret.substr(0, bar)), *std::move(hmac));
}

Decision DecideBraintree(const WebhookRequest& request, const std::vector<RingKey>& keys,
                         absl::Time now, const Trace& trace) {
  const Form form = ReadForm(request.content());
  if (!form.signature || !form.payload) {
    return Refuse(Reason::kSignatureMissing, "no bt_signature and bt_payload in the form");
  }
  if (form.other) {
    return Refuse(Reason::kSignatureMalformed, "more than one bt_signature and one bt_payload");
  }
  const auto pairs = ReadPairs(*form.signature);
  if (!pairs) {
    return Refuse(Reason::kSignatureMalformed, "bt_signature is not of the form `key|signature`");
  }
  if (trace.on()) trace.Ok("signature", StrCat(pairs->size(), " pairs"));
  bool known = false;
  bool active = false;
  for (const RingKey& key : keys) {
    const bool named = std::any_of(pairs->begin(), pairs->end(), [&](const Pair& pair) {
      return pair.public_key == key.public_name;
    });
    known |= named;
    if (!named || !key.ActiveAt(now)) continue;
    active = true;
    if (Matches(key, *pairs, *form.payload)) {
      return {.refused = {}, .detail = {}, .key_id = key.id, .signed_time = {}};
    }
  }
  if (!known) return Refuse(Reason::kUnknownKeyId, "no key has a public key that is named");
  if (!active) return Refuse(Reason::kNoActiveKey, "no key is valid now");
  return Refuse(Reason::kSignatureMismatch, "no signature matches a key over bt_payload");
}

}  // namespace hookbridge
