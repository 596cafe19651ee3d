#include "server/verify/internal/handshake.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/body_values.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Handshake;

bool IsJsonKind(config::v1::HandshakeKind kind) {
  return kind == config::v1::HANDSHAKE_KIND_JSON_ECHO ||
         kind == config::v1::HANDSHAKE_KIND_JSON_FIXED ||
         kind == config::v1::HANDSHAKE_KIND_JSON_HMAC;
}

absl::Status Bad(int index, std::string_view field, const absl::Status& status) {
  return absl::InvalidArgumentError(
      StrCat("recipe.handshakes[", index, "].", field, ": ", ToStd(status.message())));
}

}  // namespace

absl::StatusOr<Handshakes> Handshakes::Create(const config::v1::Recipe& recipe) {
  Handshakes made;
  for (int i = 0; i < recipe.handshakes_size(); ++i) {
    const Handshake& handshake = recipe.handshakes(i);
    if (!IsJsonKind(handshake.kind())) continue;
    auto match = JsonPointer::Parse(handshake.match_pointer());
    if (!match.ok()) return Bad(i, "match_pointer", match.status());
    auto echo = JsonPointer::Parse(handshake.echo_pointer());
    if (!echo.ok()) return Bad(i, "echo_pointer", echo.status());
    made.rules_.push_back(
        {.handshake = handshake, .match = *std::move(match), .echo = *std::move(echo)});
  }
  return made;
}

std::optional<HandshakeAnswer> Handshakes::Answer(const WebhookRequest& request,
                                                  const RingKey* key) const {
  if (rules_.empty()) return std::nullopt;
  BodyValues values(request);
  for (const Rule& rule : rules_) {
    if (values.Find(rule.match) != rule.handshake.match_value()) continue;
    if (rule.handshake.kind() == config::v1::HANDSHAKE_KIND_JSON_FIXED) {
      const std::string& answer = rule.handshake.answer();
      return HandshakeAnswer{
          .status = answer.empty() ? 204 : 200, .content_type = "application/json", .body = answer};
    }
    const auto text = values.Find(rule.echo);
    if (!text || !IsEchoable(*text)) continue;
    if (rule.handshake.kind() == config::v1::HANDSHAKE_KIND_JSON_ECHO) {
      return HandshakeAnswer{
          .status = 200, .content_type = "text/plain", .body = std::string(*text)};
    }
    const auto* const hmac = key == nullptr ? nullptr : std::get_if<HmacKey>(&key->material);
    if (hmac == nullptr) continue;
    const std::string_view parts[] = {*text};
    return HandshakeAnswer{.status = 200,
                           .content_type = "application/json",
                           .body = StrCat("{\"plainToken\":\"", *text, "\",\"encryptedToken\":\"",
                                          HexEncode(hmac->Sign(parts).bytes()), "\"}")};
  }
  return std::nullopt;
}

bool IsEchoable(std::string_view text) {
  if (text.empty() || text.size() > limits::kHandshakeEchoBytesMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '~' || c == '-';
  });
}

}  // namespace hookbridge
