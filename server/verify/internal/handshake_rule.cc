#include "server/verify/internal/handshake_rule.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <algorithm>

namespace hookbridge {
namespace {

using config::v1::Handshake;
using Kind = ReplyPiece::Kind;

constexpr size_t kHashTextBytesMax = 128;  // SHA-512 in hexadecimal digits

bool IsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

absl::Status Bad(std::string_view field, const absl::Status& status) {
  return absl::InvalidArgumentError(StrCat(field, ": ", ToStd(status.message())));
}

void AddLiteral(std::string_view text, ReplyText& pieces) {
  if (text.empty()) return;
  if (pieces.empty() || pieces.back().kind != Kind::kLiteral) pieces.emplace_back();
  pieces.back().text += text;
}

// Of HandshakeMatch and ChallengePlace alike.
template <typename Place>
absl::StatusOr<HandshakePlace> MakePlace(const Place& place, std::string_view field) {
  HandshakePlace made;
  if (place.has_header()) {
    made.name = place.header();
  } else if (place.has_query()) {
    made.from = HandshakePlace::From::kQuery;
    made.name = place.query();
  } else {
    auto pointer = JsonPointer::Parse(place.json_pointer());
    if (!pointer.ok()) return Bad(StrCat(field, ".json_pointer"), pointer.status());
    made.from = HandshakePlace::From::kBody;
    made.pointer = *std::move(pointer);
  }
  return made;
}

absl::StatusOr<HandshakePlace> BodyPlace(const std::string& pointer, std::string_view field) {
  auto parsed = JsonPointer::Parse(pointer);
  if (!parsed.ok()) return Bad(field, parsed.status());
  return HandshakePlace{
      .from = HandshakePlace::From::kBody, .name = {}, .pointer = *std::move(parsed)};
}

HandshakePlace RawQueryPlace(const std::string& name) {
  return {.from = HandshakePlace::From::kQueryAsSent, .name = name};
}

void FillGet(const Handshake& handshake, HandshakeRule& rule) {
  rule.methods = {"GET"};
  rule.takes_every = true;
  rule.challenge = RawQueryPlace(handshake.query_parameter());
  if (!handshake.token_parameter().empty()) {
    rule.token = RawQueryPlace(handshake.token_parameter());
  }
  rule.content_type = "text/plain";
  if (handshake.kind() == config::v1::HANDSHAKE_KIND_GET_ECHO) {
    rule.body = {{.kind = Kind::kChallenge}};
    return;
  }
  rule.body = {{.kind = Kind::kPublicKeyName}, {.text = "|"}, {.kind = Kind::kHash}};
  rule.hash = HandshakeHash{.hmac = true, .over = {{.kind = Kind::kChallenge}}};
}

absl::Status FillJson(const Handshake& handshake, HandshakeRule& rule) {
  rule.methods = {"POST"};
  auto match = BodyPlace(handshake.match_pointer(), "match_pointer");
  if (!match.ok()) return match.status();
  rule.conditions.push_back({.place = *std::move(match), .equals = handshake.match_value()});
  rule.content_type = "application/json";
  if (handshake.kind() == config::v1::HANDSHAKE_KIND_JSON_FIXED) {
    rule.status = handshake.answer().empty() ? 204 : 200;
    AddLiteral(handshake.answer(), rule.body);
    return absl::OkStatus();
  }
  auto echo = BodyPlace(handshake.echo_pointer(), "echo_pointer");
  if (!echo.ok()) return echo.status();
  rule.challenge = *std::move(echo);
  if (handshake.kind() == config::v1::HANDSHAKE_KIND_JSON_ECHO) {
    rule.content_type = "text/plain";
    rule.body = {{.kind = Kind::kChallenge}};
    return absl::OkStatus();
  }
  rule.body = {{.text = "{\"plainToken\":\""},
               {.kind = Kind::kChallenge},
               {.text = "\",\"encryptedToken\":\""},
               {.kind = Kind::kHash},
               {.text = "\"}"}};
  rule.hash = HandshakeHash{.hmac = true, .over = {{.kind = Kind::kChallenge}}};
  return absl::OkStatus();
}

HandshakeHash MakeHash(const config::v1::ChallengeHash& hash, const HandshakeContext& context) {
  HandshakeHash made{
      .hash = hash.hash(), .hmac = hash.hmac(), .over = {}, .encoding = hash.encoding()};
  for (const config::v1::ChallengePart& part : hash.over()) {
    if (part.has_challenge()) {
      made.over.push_back({.kind = Kind::kChallenge});
    } else if (part.has_token()) {
      AddLiteral(context.token, made.over);
    } else if (part.has_url()) {
      made.over.push_back({.kind = Kind::kUrl, .text = std::string(context.public_url)});
    } else {
      AddLiteral(part.literal(), made.over);
    }
  }
  if (hash.over().empty()) made.over.push_back({.kind = Kind::kChallenge});
  return made;
}

absl::Status FillReply(const config::v1::HandshakeReply& reply, HandshakeRule& rule) {
  if (reply.status() != 0) rule.status = static_cast<int>(reply.status());
  auto body = ParseReplyText(reply.body());
  if (!body.ok()) return Bad("reply.body", body.status());
  rule.body = *std::move(body);
  if (!rule.body.empty()) {
    rule.content_type = reply.content_type().empty() ? "text/plain" : reply.content_type();
  }
  for (const auto& [name, value] : reply.headers()) {
    auto text = ParseReplyText(value);
    if (!text.ok()) return Bad(StrCat("reply.headers.", name), text.status());
    rule.headers.emplace_back(name, *std::move(text));
  }
  std::sort(rule.headers.begin(), rule.headers.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return absl::OkStatus();
}

absl::Status FillTemplate(const Handshake& handshake, const HandshakeContext& context,
                          HandshakeRule& rule) {
  rule.methods.assign(handshake.methods().begin(), handshake.methods().end());
  rule.unsigned_post = handshake.unsigned_();
  rule.learns = handshake.learn_key();
  for (int i = 0; i < handshake.match_size(); ++i) {
    const config::v1::HandshakeMatch& match = handshake.match(i);
    auto place = MakePlace(match, StrCat("match[", i, "]"));
    if (!place.ok()) return place.status();
    if (match.equals_token()) {
      rule.token = *std::move(place);
    } else {
      HandshakeCondition& condition = rule.conditions.emplace_back();
      condition.place = *std::move(place);
      if (!match.equals().empty()) condition.equals = match.equals();
    }
  }
  if (handshake.has_challenge()) {
    auto place = MakePlace(handshake.challenge(), "challenge");
    if (!place.ok()) return place.status();
    rule.challenge = *std::move(place);
    rule.takes_text = handshake.challenge().text();
  }
  if (handshake.has_hash()) rule.hash = MakeHash(handshake.hash(), context);
  return FillReply(handshake.reply(), rule);
}

}  // namespace

absl::StatusOr<HandshakeRule> MakeHandshakeRule(const Handshake& handshake,
                                                const HandshakeContext& context) {
  HandshakeRule rule;
  absl::Status status;
  switch (handshake.kind()) {
    case config::v1::HANDSHAKE_KIND_HEAD:
      rule.methods = {"HEAD"};
      break;
    case config::v1::HANDSHAKE_KIND_GET_ECHO:
    case config::v1::HANDSHAKE_KIND_GET_HMAC:
      FillGet(handshake, rule);
      break;
    case config::v1::HANDSHAKE_KIND_TEMPLATE:
      status = FillTemplate(handshake, context, rule);
      break;
    default:
      status = FillJson(handshake, rule);
  }
  if (!status.ok()) return status;
  return rule;
}

absl::StatusOr<ReplyText> ParseReplyText(std::string_view text) {
  ReplyText pieces;
  while (!text.empty()) {
    const size_t open = std::min(text.find('{'), text.size());
    AddLiteral(text.substr(0, open), pieces);
    text.remove_prefix(open);
    if (text.empty()) break;
    size_t end = 1;
    while (end < text.size() && IsWord(text[end])) ++end;
    if (end == 1 || end == text.size() || text[end] != '}') {  // a brace of JSON
      AddLiteral(text.substr(0, end), pieces);
      text.remove_prefix(end);
      continue;
    }
    const std::string_view word = text.substr(1, end - 1);
    if (word != "challenge" && word != "hash") {
      return absl::InvalidArgumentError(
          StrCat("`{", word, "}` is neither `{challenge}` nor `{hash}`; write one of them"));
    }
    pieces.push_back({.kind = word == "hash" ? Kind::kHash : Kind::kChallenge});
    text.remove_prefix(end + 1);
  }
  return pieces;
}

bool Holds(const ReplyText& text, Kind kind) {
  return std::any_of(text.begin(), text.end(),
                     [kind](const ReplyPiece& piece) { return piece.kind == kind; });
}

size_t FilledBytesMax(const ReplyText& text) {
  size_t bytes = 0;
  for (const ReplyPiece& piece : text) {
    bytes += piece.kind == Kind::kChallenge ? limits::kHandshakeEchoBytesMax
             : piece.kind == Kind::kHash    ? kHashTextBytesMax
                                            : piece.text.size();
  }
  return bytes;
}

}  // namespace hookbridge
