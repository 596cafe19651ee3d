#pragma once

#include "server/verify/recipe_use.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <vector>

namespace hookbridge {

// Adds what of the recipe looks into a body that its body_format never has: fields of a form where
// bodies are JSON, places of an XML document where they are none, and so on.
void FindUnreadOfBody(const config::v1::Recipe& recipe, std::vector<UnreadField>& unread);

}  // namespace hookbridge
