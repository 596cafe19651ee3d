#include "server/verify/internal/jws.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/verify/internal/json_member.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

std::optional<Decision> Malformed(std::string detail) {
  return Refuse(Reason::kCredentialMalformed, std::move(detail));
}

std::optional<Decision> ReadHeader(std::string_view json, std::string_view algorithm, Jws& jws) {
  JsonTape tape;
  const JsonLimits limits{.depth_max = limits::kJsonDepthMaxHard,
                          .elements_max = limits::kJsonElementsMax};
  if (!tape.Parse(json, limits).ok() || tape.nodes().front().type != JsonType::kObject) {
    return Malformed("the token's header is not a JSON object without repeated names");
  }
  const JsonNode& header = tape.nodes().front();
  if (FindText(tape, header, "alg") != algorithm) {
    return Refuse(Reason::kSignatureMalformed, StrCat("the token's alg is not ", algorithm));
  }
  // What must be understood, and an unencoded payload (RFC 7797).
  for (const std::string_view name : {"crit", "b64"}) {
    if (FindMember(tape, header, name) == nullptr) continue;
    return Refuse(Reason::kSignatureMalformed,
                  StrCat("the token's header has ", name, ", which is not known here"));
  }
  if (FindMember(tape, header, "kid") == nullptr) return std::nullopt;
  const auto key_id = FindText(tape, header, "kid");
  if (!key_id || !IsKeyId(*key_id)) {
    return Refuse(Reason::kSignatureMalformed, "the token's kid is no key id");
  }
  jws.key_id = *key_id;
  return std::nullopt;
}

}  // namespace

std::string_view JwsName(config::v1::JwtAlgorithm algorithm) {
  switch (algorithm) {
    case config::v1::JWT_ALGORITHM_HS384:
      return "HS384";
    case config::v1::JWT_ALGORITHM_HS512:
      return "HS512";
    case config::v1::JWT_ALGORITHM_RS256:
      return "RS256";
    case config::v1::JWT_ALGORITHM_RS384:
      return "RS384";
    case config::v1::JWT_ALGORITHM_RS512:
      return "RS512";
    case config::v1::JWT_ALGORITHM_ES256:
      return "ES256";
    case config::v1::JWT_ALGORITHM_PS256:
      return "PS256";
    case config::v1::JWT_ALGORITHM_EDDSA:
      return "EdDSA";
    default:
      return "HS256";
  }
}

bool IsHmac(config::v1::JwtAlgorithm algorithm) { return JwsName(algorithm).starts_with("HS"); }

bool IsKeyId(std::string_view text) {
  return !text.empty() && text.size() <= limits::kJwtKeyIdBytesMax &&
         text.find_first_not_of('.') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::optional<Decision> ReadJws(std::string_view token, config::v1::JwtAlgorithm algorithm,
                                bool detached, Jws& jws) {
  if (token.size() > limits::kJwtBytesMax) {
    return Malformed(StrCat("the token has more than ", limits::kJwtBytesMax, " bytes"));
  }
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Malformed("the token does not have three parts");
  }
  const std::string_view payload = token.substr(first + 1, second - first - 1);
  if (payload.empty() != detached) {
    return Malformed(detached ? "the token has a payload, and the recipe says that it has none"
                              : "the token has no payload");
  }
  const auto header = Base64UrlDecode(token.substr(0, first));
  auto claims = Base64UrlDecode(payload);
  auto signature = Base64UrlDecode(token.substr(second + 1));
  if (!header || !claims || !signature || signature->empty()) {
    return Malformed("a part of the token is not base64url");
  }
  jws.header = token.substr(0, first);
  jws.signing_input = token.substr(0, second);
  jws.payload = *std::move(claims);
  jws.signature = *std::move(signature);
  return ReadHeader(*header, JwsName(algorithm), jws);
}

}  // namespace hookbridge
