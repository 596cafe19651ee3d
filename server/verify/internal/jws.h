#pragma once

#include "server/verify/internal/decision.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

// `HS256` (also unspecified) to `EdDSA` (RFC 7518 section 3.1, RFC 8037).
std::string_view JwsName(config::v1::JwtAlgorithm algorithm);

// Whether it is HMAC, so that its key is a secret.
bool IsHmac(config::v1::JwtAlgorithm algorithm);

// What a token may name a key by: 1 to limits::kJwtKeyIdBytesMax printable ASCII characters that
// are not dots alone.
bool IsKeyId(std::string_view text);

// A compact JWS taken apart, decoded. The view points into the token.
struct Jws {
  std::string_view header;  // as it came
  std::string signing_input;
  std::string payload;
  std::string signature;
  std::string key_id;  // empty: it names none
};

// Reads a token whose header must name `algorithm`: strict base64url, a JSON object without
// repeated names as header. `detached` says that the payload is left out. Refuses what it does not
// know that it may not ignore (`crit`, `b64`). Nothing of the header chooses how, and nothing in it
// is a key that counts. Source: RFC 7515 section 7.1. Pure.
std::optional<Decision> ReadJws(std::string_view token, config::v1::JwtAlgorithm algorithm,
                                bool detached, Jws& jws);

}  // namespace hookbridge
