#pragma once

#include "client/hookctl/signer.h"

#include "absl/status/status.h"

#include <string>

namespace hookbridge::hookctl {

// Adds the recipe's token about the webhook, as its provider would sign it: HMAC with the secret in
// its configured form, else with the private key in PEM. Claims are what the recipe asks for, the
// first issuer and audience, and `iat`; `kid` is the webhook's key_id where keys are public.
// kInvalidArgument: no such key, or a value that the recipe names and nothing gives.
absl::Status SignJwt(const config::v1::Recipe& recipe, const std::string& secret,
                     const Unsigned& webhook, Signed* result);

}  // namespace hookbridge::hookctl
