#include "server/base/config.h"
#include "server/base/internal/config_rules.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include "absl/time/time.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace hookbridge::internal {
namespace {

using config::v1::Algorithm;
using config::v1::Key;
using config::v1::Recipe;
using config::v1::Source;
using Problems = std::vector<ConfigProblem>;

void Add(Problems& problems, std::string path, std::string message, std::string fix) {
  problems.push_back({0, std::move(path), std::move(message), std::move(fix)});
}

bool IsName(std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kAll = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !name.empty() && name.size() <= limits::kNameBytesMax &&
         kFirst.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(kAll) == std::string_view::npos;
}

bool HasKind(const Recipe& recipe, config::v1::AlgorithmKind kind) {
  return std::any_of(recipe.algorithms().begin(), recipe.algorithms().end(),
                     [&](const Algorithm& algorithm) { return algorithm.kind() == kind; });
}

// Reads a key's time; `otherwise` when the text is empty.
absl::Time CheckTime(const std::string& text, const std::string& path, absl::Time otherwise,
                     Problems& problems) {
  if (text.empty()) return otherwise;
  absl::Time time;
  // Only "infinite-future" and its like have no digit in front.
  if (text[0] >= '0' && text[0] <= '9' &&
      absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
    return time;
  }
  Add(problems, path, StrCat("`", text.substr(0, limits::kNameBytesMax), "` is not a time"),
      "write RFC 3339, for example 2026-01-31T00:00:00Z");
  return otherwise;
}

void CheckKey(const Key& key, const std::string& path, Problems& problems) {
  if (key.secret().from_case() == config::v1::Secret::FROM_NOT_SET) {
    Add(problems, path + ".secret", "a key needs its secret", "write secret: env:NAME");
  }
  const size_t before = problems.size();
  const absl::Time from =
      CheckTime(key.not_before(), path + ".not_before", absl::InfinitePast(), problems);
  const absl::Time until =
      CheckTime(key.not_after(), path + ".not_after", absl::InfiniteFuture(), problems);
  if (problems.size() == before && from >= until) {
    Add(problems, path + ".not_after", "is not after not_before", "write a later time");
  }
}

void CheckKeys(const Source& source, const std::string& path, Problems& problems) {
  if (static_cast<size_t>(source.keys_size()) > limits::kKeysMax) {
    Add(problems, path + ".keys", "too many keys", StrCat("keep at most ", limits::kKeysMax));
  }
  std::set<std::string> ids;
  for (int i = 0; i < source.keys_size(); ++i) {
    const Key& key = source.keys(i);
    const std::string key_path = StrCat(path, ".keys[", i, "]");
    CheckKey(key, key_path, problems);
    if (!ids.insert(key.id().empty() ? StrCat(i + 1) : key.id()).second) {
      Add(problems, key_path + ".id", "another key has this id", "give each key its own id");
    }
  }
}

void CheckAlgorithms(const Source& source, const std::string& path, Problems& problems) {
  const Recipe& recipe = source.recipe();
  if (source.preset().empty() && recipe.algorithms().empty()) {
    Add(problems, path + ".recipe.algorithms", "a recipe needs an algorithm",
        "write for example algorithms: [{kind: hmac}]");
    return;
  }
  if (HasKind(recipe, config::v1::ALGORITHM_KIND_NONE)) {
    if (source.i_understand_anyone_can_post()) return;
    Add(problems, path + ".recipe.algorithms", "kind none accepts what anyone sends",
        "set i_understand_anyone_can_post: true on the source, or choose another kind");
    return;
  }
  if (recipe.algorithms().empty() || !source.keys().empty() || source.has_learned_key()) return;
  // The key comes in a certificate.
  if (recipe.has_certificate() || HasKind(recipe, config::v1::ALGORITHM_KIND_AWS_SNS)) return;
  const bool only_url_token =
      recipe.algorithms_size() == 1 && HasKind(recipe, config::v1::ALGORITHM_KIND_URL_TOKEN);
  if (only_url_token && source.has_url_token()) return;
  Add(problems, path + ".keys", "the recipe's algorithm needs a key",
      "write keys: [{secret: env:NAME}]");
}

// `lowest` to `highest`, and never 410: many providers switch the webhook off at it.
void CheckStatus(uint32_t status, uint32_t lowest, uint32_t highest, const std::string& path,
                 Problems& problems) {
  if (status == 0 || (status >= lowest && status <= highest && status != 410)) return;
  Add(problems, path, StrCat(status, " cannot be answered here"),
      StrCat("write ", lowest, " to ", highest, highest > 410 ? " except 410" : ""));
}

// A media type (RFC 9110 section 8.3.1) with its parameters, roughly: one `/`, and nothing that
// ends a header line.
bool IsMediaType(std::string_view text) {
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() &&
         text.size() <= limits::kNameBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void CheckAnswerBody(const config::v1::Responses& responses, const std::string& path,
                     Problems& problems) {
  const config::v1::AnswerBody& body = responses.body();
  if (body.has_empty() ? !body.empty() : body.has_receipt() && !body.receipt()) {
    Add(problems, path, "false says nothing here", "write true, or remove it");
  }
  if (!body.has_fixed()) return;
  if (body.fixed().text().size() > limits::kAnswerTextBytesMax) {
    Add(problems, path + ".fixed.text",
        StrCat("has more than ", limits::kAnswerTextBytesMax, " bytes"), "shorten it");
  }
  // Of a preset's text the content type alone may be changed.
  if (!body.fixed().content_type().empty() && !IsMediaType(body.fixed().content_type())) {
    Add(problems, path + ".fixed.content_type", "is no media type", "write for example text/xml");
  }
  if (responses.ok() == 204 && responses.duplicate() == 204) {
    Add(problems, path + ".fixed", "is never sent: 204 has no body", "answer 200, or remove it");
  }
}

void CheckResponses(const config::v1::Responses& responses, const std::string& path,
                    Problems& problems) {
  CheckStatus(responses.ok(), 200, 299, path + ".ok", problems);
  CheckStatus(responses.duplicate(), 200, 299, path + ".duplicate", problems);
  CheckStatus(responses.bad_signature(), 400, 599, path + ".bad_signature", problems);
  CheckStatus(responses.malformed(), 400, 599, path + ".malformed", problems);
  CheckAnswerBody(responses, path + ".body", problems);
}

void CheckGate(const config::v1::Gate& gate, const std::string& path, Problems& problems) {
  for (int i = 0; i < gate.allow_networks_size(); ++i) {
    CheckNetwork(gate.allow_networks(i), StrCat(path, ".allow_networks[", i, "]"), problems);
  }
  CheckEntries(gate.client_names(), path + ".client_names", problems);
  if (!gate.has_header()) return;
  CheckHeaderName(gate.header().name(), path + ".header.name", problems);
  if (gate.header().value().from_case() == config::v1::Secret::FROM_NOT_SET) {
    Add(problems, path + ".header.value", "is missing", "write env:NAME");
  }
}

void CheckUrl(const Source& source, const std::string& path, Problems& problems) {
  const std::string& url = source.public_url();
  if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://")) {
    Add(problems, path + ".public_url", "is not a URL", "begin it with https://");
  }
  if (url.find('#') != std::string::npos) {
    Add(problems, path + ".public_url", "has a fragment, which is never sent nor signed",
        "remove `#` and what follows");
  }
  const auto& parts = source.recipe().message();
  const bool signs_url = std::any_of(parts.begin(), parts.end(), [](const auto& part) {
    return part.url() || part.url_decoded();
  });
  if (url.empty() && signs_url) {
    Add(problems, path + ".public_url", "the recipe signs the URL",
        "write the URL that the provider was given");
  }
}

}  // namespace

void CheckSource(const Source& source, const std::string& path, Problems& problems) {
  if (!IsName(source.name())) {
    Add(problems, path + ".name", source.name().empty() ? "is missing" : "is not a source name",
        "write 1 to 63 of a-z, 0-9 and -, not beginning with -");
  }
  if (source.preset().empty() && !source.has_recipe()) {
    Add(problems, path, "has neither preset nor recipe",
        "write preset: NAME; `hookbridge presets` lists them");
  } else {
    CheckAlgorithms(source, path, problems);
  }
  CheckKeys(source, path, problems);
  if (source.has_url_token() &&
      source.url_token().from_case() == config::v1::Secret::FROM_NOT_SET) {
    Add(problems, path + ".url_token", "does not say where the token is", "write env:NAME");
  }
  CheckGate(source.gate(), path + ".gate", problems);
  CheckRecipeNames(source.recipe(), path + ".recipe", problems);
  CheckEntries(source.topic_arns(), path + ".topic_arns", problems);
  if (source.values().contains("")) {
    Add(problems, path + ".values", "a name is empty", "write the name that the recipe uses");
  }
  CheckUrl(source, path, problems);
  CheckResponses(source.recipe().responses(), path + ".recipe.responses", problems);
  CheckMost(source.body_bytes_max(), limits::kBodyBytesMaxHard, path + ".body_bytes_max", problems);
}

}  // namespace hookbridge::internal
