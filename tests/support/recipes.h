#pragma once

#include "server/base/yaml_to_message.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include "gtest/gtest.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

inline config::v1::Recipe RecipeOf(std::string_view yaml) {
  config::v1::Recipe recipe;
  const auto problems = YamlToMessage(yaml, &recipe);
  EXPECT_TRUE(problems.empty()) << yaml << FormatProblems("recipe", problems);
  return recipe;
}

inline absl::StatusOr<std::unique_ptr<Verifier>> VerifierOf(config::v1::Recipe recipe,
                                                            std::vector<std::string> secrets,
                                                            std::string url_token = "") {
  VerifierOptions options;
  options.recipe = std::move(recipe);
  options.url_token = std::move(url_token);
  options.public_url = "https://hooks.example/hooks/test";
  for (std::string& secret : secrets) {
    options.keys.push_back(
        {.id = "k" + std::to_string(options.keys.size() + 1), .secret = std::move(secret)});
  }
  return Verifier::Create(std::move(options));
}

// `ok:KEY` or the reason's name.
inline std::string VerdictOf(const Verifier& verifier, const RequestBuilder& request,
                             absl::Time now) {
  const auto verdict = verifier.Verify(request.Build(), now);
  if (const auto* const good = std::get_if<VerifiedWebhook>(&verdict))
    return "ok:" + good->key_id();
  return std::string(ReasonName(std::get<Rejection>(verdict).reason));
}

inline std::optional<HandshakeAnswer> AnswerGet(const Verifier& verifier, std::string_view query) {
  return verifier.AnswerUnverified({.method = "GET", .token = {}, .query = query},
                                   absl::UnixEpoch());
}

}  // namespace hookbridge
