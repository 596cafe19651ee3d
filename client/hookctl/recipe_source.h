#pragma once

#include "client/hookctl/args.h"
#include "client/hookctl/command.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// Which scheme a command is about: a preset by name, or a source of a configuration file.
namespace hookbridge::hookctl {

struct RecipeSource {
  std::string preset;       // empty for a recipe of its own
  std::string source_name;  // empty without a configuration
  config::v1::Recipe recipe;
  std::vector<KeyMaterial> keys;  // resolved
  std::string url_token;
  std::string public_url;
  std::map<std::string, std::string, std::less<>> values;
  std::vector<std::string> topic_arns;
};

// Flags that LoadRecipeSource reads.
inline constexpr Flag kConfigFlag{"config", "FILE", "the bridge's configuration, with --source"};
inline constexpr Flag kSecretFlag{"secret", "REF", "env:NAME, file:PATH or inline:TEXT", true};

// From --config and --source, else from `preset`; --secret replaces the keys; --value and
// --topic-arn add to what the source has.
absl::StatusOr<RecipeSource> LoadRecipeSource(const Args& args, const std::string& preset);

// The secret that a reference names. Errors name the reference's kind, never the secret.
absl::StatusOr<std::string> ResolveReference(std::string_view reference);

// The whole file; kNotFound names it.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

}  // namespace hookbridge::hookctl
