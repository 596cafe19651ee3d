#include "server/source_use.h"

#include "server/base/strings.h"
#include "server/verify/recipe_use.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Recipe;
using config::v1::Source;
using Problems = std::vector<ConfigProblem>;

constexpr std::string_view kRemove = "remove it";

bool UsesHandshakeToken(const Recipe& recipe) {
  return std::any_of(recipe.handshakes().begin(), recipe.handshakes().end(), AsksForHandshakeToken);
}

bool NamesValue(const Recipe& recipe, const std::string& name) {
  const auto is_part = [&](const auto& part) { return part.has_config() && part.config() == name; };
  const auto is_text = [&](const std::string& text) { return text == "config:" + name; };
  const auto is_claim = [&](const auto& claim) { return is_text(claim.second); };
  const config::v1::JwtRule& jwt = recipe.jwt();
  const std::string mark = StrCat("{config:", name, "}");
  return std::any_of(recipe.message().begin(), recipe.message().end(), is_part) ||
         std::any_of(jwt.audiences().begin(), jwt.audiences().end(), is_text) ||
         std::any_of(jwt.claims().begin(), jwt.claims().end(), is_claim) ||
         jwt.key_set().url().find(mark) != std::string::npos ||
         jwt.key_set().body().find(mark) != std::string::npos;
}

}  // namespace

Problems UnreadOfSource(const Source& source, const Recipe& recipe, const std::string& path) {
  Problems problems;
  if (recipe.algorithms().empty()) return problems;
  for (UnreadField& unread : UnreadFields(recipe)) {
    problems.push_back({.path = StrCat(path, ".recipe.", unread.field),
                        .message = std::move(unread.why),
                        .fix = std::move(unread.fix)});
  }
  const auto add = [&](bool is_set, bool is_read, std::string_view field, std::string why,
                       std::string_view fix = kRemove) {
    if (!is_set || is_read) return;
    problems.push_back(
        {.path = StrCat(path, ".", field), .message = std::move(why), .fix = std::string(fix)});
  };
  const auto kind = recipe.algorithms(0).kind();
  const bool none = kind == config::v1::ALGORITHM_KIND_NONE;
  const std::string checks = StrCat("is for kind none, and kind ", KindName(kind), " checks");
  add(source.i_understand_anyone_can_post(), none, "i_understand_anyone_can_post", checks);
  add(!source.keys().empty(), !none, "keys", "are not read by kind none",
      "remove them, or write the kind that is meant");
  add(source.has_handshake_token(), UsesHandshakeToken(recipe), "handshake_token",
      "is asked for by no handshake of the recipe",
      "remove it, or write token_parameter or equals_token");
  add(source.has_learned_key(), LearnsKey(recipe), "learned_key",
      "is learned by no handshake of the recipe", "remove it, or write a handshake with learn_key");
  const auto& own_handshakes = source.recipe().handshakes();
  add(std::any_of(own_handshakes.begin(), own_handshakes.end(),
                  [](const auto& handshake) { return handshake.learn_key(); }),
      source.has_learned_key(), "recipe.handshakes", "learn a key, and learned_key names no file",
      "write learned_key: {file: ...}");
  add(std::any_of(source.keys().begin(), source.keys().end(),
                  [](const auto& key) { return key.id().starts_with("learned"); }),
      !source.has_learned_key(), "keys",
      "have an id that begins with `learned`, as learned keys do", "write another id");
  add(source.replay_policy() != config::v1::REPLAY_POLICY_UNSPECIFIED, CanSuspectReplays(recipe),
      "replay_policy",
      "has nothing to decide: a signed time or id, or no signature, tells replays");
  for (const auto& [name, value] : source.values()) {
    add(true, NamesValue(recipe, name), StrCat("values.", name),
        "is named by no {config: ...} of the recipe's message, nor by its jwt");
  }
  const auto& body = recipe.responses().body();
  add(source.receipt_position(), !body.has_empty() && !body.has_fixed(), "receipt_position",
      "is in the receipt, and recipe.responses.body answers another body");
  const auto& own = source.recipe().responses();
  add(own.malformed() != 0, source.on_malformed() == config::v1::ON_MALFORMED_REFUSE,
      "recipe.responses.malformed", "is answered with on_malformed: refuse alone",
      "remove it, or write on_malformed: refuse");
  add(own.bad_signature() != 0, !none || source.has_gate() || source.has_url_token(),
      "recipe.responses.bad_signature", "is never answered: kind none refuses nothing");
  return problems;
}

Problems WarningsOfSource(const Source& source, const Recipe& recipe,
                          const std::vector<KeyMaterial>& keys, const std::string& path) {
  Problems warnings;
  if (source.replay_policy() == config::v1::REPLAY_POLICY_DROP && CanSuspectReplays(recipe)) {
    warnings.push_back({.path = path + ".replay_policy",
                        .message = "drop loses a webhook whose signed bytes equal an earlier one's "
                                   "under another id, which some providers send",
                        .fix = "write flag, unless equal bodies never mean two events here"});
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    for (const std::string& prefix : recipe.not_key_prefixes()) {
      if (!keys[i].secret.starts_with(prefix)) continue;
      warnings.push_back({.path = StrCat(path, ".keys[", i, "].secret"),
                          .message = StrCat("begins with `", prefix,
                                            "`, as another credential of this provider does"),
                          .fix = "write the secret that signs webhooks"});
    }
  }
  return warnings;
}

}  // namespace hookbridge
