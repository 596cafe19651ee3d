#include "client/hookctl/recipe_source.h"

#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"

#include <fstream>
#include <iterator>

namespace hookbridge::hookctl {
namespace {

absl::StatusOr<config::v1::Source> FindSource(const std::string& file, const std::string& name) {
  config::v1::Config config;
  const std::vector<ConfigProblem> problems = LoadConfigFile(file, &config);
  if (!problems.empty()) return absl::InvalidArgumentError(FormatProblems(file, problems));
  for (const config::v1::Source& source : config.sources()) {
    if (source.name() == name) return source;
  }
  return absl::NotFoundError(StrCat(file, " has no source '", name, "'"));
}

absl::StatusOr<absl::Time> ParseLimit(const std::string& text, absl::Time otherwise) {
  if (text.empty()) return otherwise;
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  return absl::InvalidArgumentError(StrCat("'", text, "': ", error));
}

absl::Status AddKey(const config::v1::Key& key, RecipeSource* source) {
  const auto secret = ResolveSecret(key.secret());
  if (!secret.ok()) return secret.status();
  const auto begin = ParseLimit(key.not_before(), absl::InfinitePast());
  if (!begin.ok()) return begin.status();
  const auto end = ParseLimit(key.not_after(), absl::InfiniteFuture());
  if (!end.ok()) return end.status();
  const std::string id = key.id().empty() ? StrCat(source->keys.size() + 1) : key.id();
  source->keys.push_back({.id = id, .secret = *secret, .not_before = *begin, .not_after = *end});
  return absl::OkStatus();
}

absl::Status LoadFromConfig(const Args& args, RecipeSource* result) {
  if (!args.Has("source")) return absl::InvalidArgumentError("--config needs --source");
  const auto source = FindSource(args.Get("config"), args.Get("source"));
  if (!source.ok()) return source.status();
  result->preset = source->preset();
  result->source_name = source->name();
  result->public_url = source->public_url();
  result->values.insert(source->values().begin(), source->values().end());
  result->topic_arns.assign(source->topic_arns().begin(), source->topic_arns().end());
  result->recipe = source->recipe();
  if (!source->preset().empty()) {
    const auto preset = LoadPreset(source->preset());
    if (!preset.ok()) return preset.status();
    result->recipe = MergeRecipe(*preset, source->recipe());
  }
  if (source->has_url_token()) {
    const auto token = ResolveSecret(source->url_token());
    if (!token.ok()) return token.status();
    result->url_token = *token;
  }
  if (args.Has("secret")) return absl::OkStatus();
  for (const config::v1::Key& key : source->keys()) {
    if (const absl::Status added = AddKey(key, result); !added.ok()) return added;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ResolveReference(std::string_view reference) {
  config::v1::Secret secret;
  const size_t colon = reference.find(':');
  const std::string_view kind = reference.substr(0, colon);
  const std::string rest(colon == std::string_view::npos ? "" : reference.substr(colon + 1));
  if (kind == "env") {
    secret.set_env(rest);
  } else if (kind == "file") {
    secret.set_file(rest);
  } else if (kind == "inline") {
    secret.set_inline_(rest);
  }
  if (rest.empty() || secret.from_case() == config::v1::Secret::FROM_NOT_SET) {
    return absl::InvalidArgumentError("a secret is given as env:NAME, file:PATH or inline:TEXT");
  }
  return ResolveSecret(secret);
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(StrCat(path, ": cannot be read"));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

absl::StatusOr<RecipeSource> LoadRecipeSource(const Args& args, const std::string& preset) {
  RecipeSource result;
  if (args.Has("config")) {
    if (const absl::Status loaded = LoadFromConfig(args, &result); !loaded.ok()) return loaded;
  } else {
    if (preset.empty())
      return absl::InvalidArgumentError("name a preset, or --config and --source");
    auto recipe = LoadPreset(preset);
    if (!recipe.ok()) return absl::InvalidArgumentError(recipe.status().message());
    result.preset = preset;
    result.recipe = *std::move(recipe);
  }
  for (const std::string& reference : args.All("secret")) {
    auto secret = ResolveReference(reference);
    if (!secret.ok()) return secret.status();
    result.keys.push_back({.id = StrCat(result.keys.size() + 1), .secret = *std::move(secret)});
  }
  if (args.Has("public-url")) result.public_url = args.Get("public-url");
  for (const std::string& value : args.All("value")) {
    const size_t equals = value.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(StrCat("--value '", value, "' is not NAME=TEXT"));
    }
    result.values[value.substr(0, equals)] = value.substr(equals + 1);
  }
  for (std::string& arn : args.All("topic-arn")) result.topic_arns.push_back(std::move(arn));
  return result;
}

}  // namespace hookbridge::hookctl
