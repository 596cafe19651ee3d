#pragma once

#include "server/base/json_pointer.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Handshakes of a recipe as rules of one form, whatever their kind. Immutable data.
namespace hookbridge {

// One place of a request.
struct HandshakePlace {
  enum class From { kHeader, kQuery, kQueryAsSent, kBody };
  From from = From::kHeader;
  std::string name;  // of the header or parameter
  JsonPointer pointer = {};
};

struct HandshakeCondition {
  HandshakePlace place;
  std::optional<std::string> equals;  // unset: anything
};

// A text with gaps that each request fills.
struct ReplyPiece {
  enum class Kind { kLiteral, kChallenge, kHash, kUrl, kPublicKeyName };
  Kind kind = Kind::kLiteral;
  std::string text = {};  // of a literal; of kUrl Source.public_url
};
using ReplyText = std::vector<ReplyPiece>;

struct HandshakeHash {
  config::v1::HashFunction hash = config::v1::HASH_FUNCTION_SHA256;  // of a plain one
  bool hmac = false;
  ReplyText over;
  config::v1::SignatureEncoding encoding = config::v1::SIGNATURE_ENCODING_HEX;
};

struct HandshakeRule {
  std::vector<std::string> methods;
  std::vector<HandshakeCondition> conditions;
  std::optional<HandshakePlace> token;  // holds Source.handshake_token
  std::optional<HandshakePlace> challenge;
  bool takes_text = false;   // as challenge: printable ASCII that means nothing in HTML or JSON
  bool takes_every = false;  // request of its methods: one without a challenge is refused
  bool unsigned_post = false;
  bool learns = false;  // the challenge is a key
  int status = 200;
  std::string content_type;  // empty: none
  ReplyText body;
  std::vector<std::pair<std::string, ReplyText>> headers;
  std::optional<HandshakeHash> hash;
};

// What a rule takes from its source.
struct HandshakeContext {
  std::string_view token;       // Source.handshake_token
  std::string_view public_url;  // Source.public_url
};

// kInvalidArgument, naming the field, for a JSON Pointer or a placeholder that is none. The recipe
// has passed CheckHandshakes.
absl::StatusOr<HandshakeRule> MakeHandshakeRule(const config::v1::Handshake& handshake,
                                                const HandshakeContext& context);

// The pieces of a text with `{challenge}` and `{hash}`. kInvalidArgument for another word in
// braces.
absl::StatusOr<ReplyText> ParseReplyText(std::string_view text);

// Whether one of the pieces is of that kind.
bool Holds(const ReplyText& text, ReplyPiece::Kind kind);

// The most bytes that it can have once it is filled.
size_t FilledBytesMax(const ReplyText& text);

}  // namespace hookbridge
