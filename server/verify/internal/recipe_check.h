#pragma once

#include "server/ingress/request.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/status.h"

#include <string>
#include <string_view>

namespace hookbridge {

// Whether the algorithm is a signature over the message (HMAC, DIGEST, Ed25519, ECDSA, RSA).
bool Signs(config::v1::AlgorithmKind kind);

// Whether the part is the body, or all fields of the form in it.
bool CoversBody(const config::v1::MessagePart& part);

// Whether keys come in certificates that the request names or from a provider's key set, so that
// none is configured.
bool KeysAreFetched(const config::v1::Recipe& recipe);

// Whether a key set is asked for with the source's first key.
bool AsksWithSecret(const config::v1::Recipe& recipe);

// Whether it is a token without payload, which is then Recipe.message.
bool IsDetachedToken(const config::v1::Recipe& recipe);

// Whether the recipe can work: kInvalidArgument naming the first field that cannot, and the fix.
absl::Status CheckRecipe(const config::v1::Recipe& recipe, bool has_public_url);

// The URL that the provider signed: public_url with the request's query; where the request comes
// without one (a proxy took it), with the query that public_url has itself.
std::string SignedUrl(const std::string& public_url, std::string_view query);

// The request's header under a name of a recipe; names with `|` between them: the first that is
// present. `repeated`: there are several lines of it.
struct FoundHeader {
  const HeaderLine* line = nullptr;
  bool repeated = false;
};
FoundHeader FindRecipeHeader(const WebhookRequest& request, std::string_view names);

}  // namespace hookbridge
