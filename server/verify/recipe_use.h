#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include <string>
#include <vector>

// What of a recipe takes part in its verdicts and its events. Pure.
namespace hookbridge {

// A field that is set and that nothing reads, so that its writer is mistaken about the recipe.
struct UnreadField {
  std::string field;  // for example `signature.prefix`
  std::string why;    // for example `is not read by kind url_token`
  std::string fix;    // what to write instead
};

// All fields of the complete recipe that its kind, or another field of it, leaves unread. Recipes
// are refused for them: a signature that nobody looks at accepts what anyone sends.
std::vector<UnreadField> UnreadFields(const config::v1::Recipe& recipe);

// Whether the recipe's requests can be suspected as replays, so that Source.replay_policy matters.
bool CanSuspectReplays(const config::v1::Recipe& recipe);

// Whether the keys are configured, as opposed to fetched, or none.
bool HasConfiguredKeys(const config::v1::Recipe& recipe);

// Whether its keys are for HMAC.
bool HasHmacKey(const config::v1::Recipe& recipe);

// Whether it asks for Source.handshake_token.
bool AsksForHandshakeToken(const config::v1::Handshake& handshake);

// Whether a handshake of the recipe learns a key.
bool LearnsKey(const config::v1::Recipe& recipe);

// A kind as the configuration writes it, for example `url_token`.
std::string KindName(config::v1::AlgorithmKind kind);

}  // namespace hookbridge
