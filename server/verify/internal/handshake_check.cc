#include "server/verify/internal/handshake_check.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/handshake_rule.h"
#include "server/verify/recipe_use.h"

#include <algorithm>
#include <array>
#include <string>

namespace hookbridge {
namespace {

using config::v1::Handshake;
using config::v1::HandshakeReply;
using config::v1::Recipe;

constexpr std::array<std::string_view, 4> kMethods = {"GET", "POST", "OPTIONS", "HEAD"};
// Headers that the answer has of its own.
constexpr std::array<std::string_view, 8> kOwnHeaders = {
    "allow", "connection",        "content-length", "content-type",
    "date",  "transfer-encoding", "keep-alive",     "x-content-type-options"};

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool IsHeaderName(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// One template; the first thing that is wrong with it.
class Checker {
 public:
  Checker(const Recipe& recipe, const Handshake& handshake, std::string path, bool has_public_url)
      : recipe_(recipe),
        handshake_(handshake),
        path_(std::move(path)),
        has_public_url_(has_public_url) {}

  absl::Status Run() {
    CheckMethods();
    CheckMatches();
    if (handshake_.has_challenge()) CheckPlace(handshake_.challenge(), "challenge");
    CheckReply();
    CheckHash();
    if (handshake_.learn_key()) CheckLearnKey();
    return status_;
  }

 private:
  void Bad(std::string_view field, std::string_view what) {
    if (!status_.ok()) return;
    status_ =
        absl::InvalidArgumentError(StrCat(path_, field.empty() ? "" : ".", field, ": ", what));
  }

  bool Has(std::string_view method) const {
    const auto& methods = handshake_.methods();
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  }
  bool IsPost() const { return handshake_.methods_size() == 1 && Has("POST"); }

  void CheckMethods() {
    if (handshake_.methods().empty()) Bad("methods", "is empty; write for example [GET]");
    for (const std::string& method : handshake_.methods()) {
      if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
        Bad("methods", StrCat("`", method, "` is none of GET, POST, OPTIONS, HEAD"));
      }
      if (std::count(handshake_.methods().begin(), handshake_.methods().end(), method) > 1) {
        Bad("methods", StrCat("`", method, "` is there twice; write it once"));
      }
    }
    if (handshake_.unsigned_() && !Has("POST")) {
      Bad("unsigned", "is about POST, which methods does not list; remove it, or add POST");
    }
    if (Has("POST") && handshake_.match().empty() && !handshake_.has_challenge()) {
      Bad("", "takes every POST, events too; write match or challenge");
    }
  }

  template <typename Place>
  void CheckPlace(const Place& place, const std::string& field) {
    if (place.place_case() == Place::PLACE_NOT_SET) {
      Bad(field, "names no place; write a header, query or json_pointer");
    } else if (place.has_json_pointer() && !IsPost()) {
      Bad(field + ".json_pointer", "looks into the body of a POST; write methods: [POST]");
    } else if (place.has_header() && !IsHeaderName(place.header())) {
      Bad(field + ".header", "is no header name");
    } else if (place.has_query() && place.query().empty()) {
      Bad(field + ".query", "is empty; write the parameter");
    }
  }

  void CheckMatches() {
    int tokens = 0;
    for (int i = 0; i < handshake_.match_size(); ++i) {
      const auto& match = handshake_.match(i);
      const std::string field = StrCat("match[", i, "]");
      CheckPlace(match, field);
      if (match.equals_token() && !match.equals().empty()) {
        Bad(field, "has equals and equals_token; write one of them");
      }
      tokens += match.equals_token();
      if (tokens > 1) Bad(field + ".equals_token", "is there twice; one place shows the token");
    }
  }

  // Nothing where it has a placeholder that is none.
  ReplyText Text(std::string_view text, std::string_view field) {
    auto parsed = ParseReplyText(text);
    if (!parsed.ok()) Bad(field, ToStd(parsed.status().message()));
    ReplyText pieces = parsed.ok() ? *std::move(parsed) : ReplyText();
    if (Holds(pieces, ReplyPiece::Kind::kHash)) {
      uses_hash_ = true;
      if (!handshake_.has_hash()) Bad("hash", "is missing; `{hash}` stands for it");
    }
    if (Holds(pieces, ReplyPiece::Kind::kChallenge)) NeedChallenge(field);
    return pieces;
  }

  void NeedChallenge(std::string_view field) {
    if (!handshake_.has_challenge()) Bad("challenge", StrCat("is missing, and ", field, " has it"));
  }

  void CheckReply() {
    const HandshakeReply& reply = handshake_.reply();
    if (reply.status() != 0 && (reply.status() < 200 || reply.status() > 299)) {
      Bad("reply.status", "is not 2xx; write for example 200");
    }
    const ReplyText body = Text(reply.body(), "reply.body");
    size_t bytes = FilledBytesMax(body);
    if (reply.status() == 204 && !body.empty()) {
      Bad("reply.body", "is there, and status 204 has none; remove one of them");
    }
    if (body.empty() && !reply.content_type().empty()) {
      Bad("reply.content_type", "is of a body, and there is none; remove it");
    }
    if (!IsPrintable(reply.content_type())) Bad("reply.content_type", "is not printable ASCII");
    for (const auto& [name, value] : reply.headers()) {
      const std::string field = StrCat("reply.headers.", name);
      if (!IsHeaderName(name)) Bad(field, "is no header name");
      if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), Lower(name)) != kOwnHeaders.end()) {
        Bad(field, "is a header that every answer has of its own; remove it");
      }
      if (!IsPrintable(value)) Bad(field, "is not printable ASCII");
      bytes += name.size() + FilledBytesMax(Text(value, field));
    }
    if (bytes > limits::kAnswerTextBytesMax) {
      Bad("reply", StrCat("can have ", bytes, " bytes, and ", limits::kAnswerTextBytesMax,
                          " are the most; a challenge counts as ", limits::kHandshakeEchoBytesMax));
    }
  }

  void CheckHash() {
    if (!handshake_.has_hash()) return;
    const config::v1::ChallengeHash& hash = handshake_.hash();
    if (!uses_hash_) Bad("hash", "is not read: no text of reply holds `{hash}`");
    if (hash.hash() == config::v1::HASH_FUNCTION_MD5) {
      Bad("hash.hash", "is md5, which is broken; write what the provider asks for");
    }
    if (hash.hmac() && !HasHmacKey(recipe_)) {
      Bad("hash.hmac", "is made with an HMAC key, which this kind does not have");
    }
    if (hash.hmac() && hash.hash() != config::v1::HASH_FUNCTION_UNSPECIFIED) {
      Bad("hash.hash", "is that of the key's algorithm where hmac is set; remove it");
    }
    if (hash.over().empty()) NeedChallenge("hash");
    for (int i = 0; i < hash.over_size(); ++i) {
      const auto& part = hash.over(i);
      const std::string field = StrCat("hash.over[", i, "]");
      const bool is_false = (part.has_challenge() && !part.challenge()) ||
                            (part.has_token() && !part.token()) || (part.has_url() && !part.url());
      if (part.part_case() == config::v1::ChallengePart::PART_NOT_SET) Bad(field, "is empty");
      if (is_false) Bad(field, "is false; write true, or leave the part out");
      if (part.has_challenge()) NeedChallenge(field);
      if (part.has_url() && !has_public_url_) {
        Bad(field, "needs the source's public_url, as the provider was given it");
      }
    }
  }

  void CheckLearnKey() {
    if (!IsPost() || !handshake_.unsigned_()) {
      Bad("learn_key", "needs methods: [POST] and unsigned: true: no key can verify it yet");
    }
    if (!handshake_.has_challenge()) Bad("challenge", "is missing; it is the key");
    const auto kind = recipe_.algorithms(0).kind();
    if (!HasConfiguredKeys(recipe_) || kind == config::v1::ALGORITHM_KIND_URL_TOKEN) {
      Bad("learn_key",
          StrCat("is for kinds whose key signs or is shown, and not for kind ", KindName(kind)));
    }
  }

  const Recipe& recipe_;
  const Handshake& handshake_;
  const std::string path_;
  const bool has_public_url_;
  bool uses_hash_ = false;
  absl::Status status_;
};

}  // namespace

absl::Status CheckHandshakes(const Recipe& recipe, bool has_public_url) {
  for (int i = 0; i < recipe.handshakes_size(); ++i) {
    const std::string path = StrCat("recipe.handshakes[", i, "]");
    const Handshake& handshake = recipe.handshakes(i);
    absl::Status status;
    switch (handshake.kind()) {
      case config::v1::HANDSHAKE_KIND_UNSPECIFIED:
        return absl::InvalidArgumentError(path + ": has no kind; write for example kind: get_echo");
      case config::v1::HANDSHAKE_KIND_GET_ECHO:
      case config::v1::HANDSHAKE_KIND_GET_HMAC:
        if (!handshake.query_parameter().empty()) break;
        return absl::InvalidArgumentError(
            path + ".query_parameter: is empty; write the parameter to echo");
      case config::v1::HANDSHAKE_KIND_JSON_HMAC:
        if (HasHmacKey(recipe)) break;
        return absl::InvalidArgumentError(
            path + ": json_hmac answers with an HMAC key, which this kind does not have");
      case config::v1::HANDSHAKE_KIND_TEMPLATE:
        status = Checker(recipe, handshake, path, has_public_url).Run();
        break;
      default:
        break;
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace hookbridge
