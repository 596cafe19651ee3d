#include "server/sources.h"

#include "server/base/config.h"
#include "server/base/small_file.h"
#include "server/base/strings.h"
#include "server/learned_keys.h"
#include "server/source_use.h"
#include "server/verify/presets.h"

#include "absl/time/time.h"

#include <string>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Recipe;

bool IsPath(std::string_view text) {
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.[]") ==
         std::string_view::npos;
}

std::string FixOf(const config::v1::Secret& secret) {
  switch (secret.from_case()) {
    case config::v1::Secret::kEnv:
      return "set the variable where the bridge is started";
    case config::v1::Secret::kFile:
      return "write the path of a file that holds the secret, and nothing else";
    default:
      return "write env:NAME or file:/path";
  }
}

// Collects what is wrong with one source.
class SourceBuilder {
 public:
  SourceBuilder(const config::v1::Config& config, int index, const std::string& authorities_pem,
                std::vector<ConfigProblem>& problems, std::vector<ConfigProblem>* warnings)
      : config_(config),
        source_(config.sources(index)),
        path_(StrCat("sources[", index, "]")),
        authorities_pem_(authorities_pem),
        problems_(problems),
        warnings_(warnings) {}

  std::unique_ptr<SourceRuntime> Build() {
    auto runtime = std::make_unique<SourceRuntime>();
    runtime->config = source_;
    if (!MergedRecipe(runtime->recipe)) return nullptr;
    runtime->dedup_window =
        ToDuration(runtime->recipe.has_dedup_window() ? runtime->recipe.dedup_window()
                                                      : config_.journal().dedup_window());
    runtime->same_body_window = ToDuration(runtime->recipe.same_body_window());

    const size_t problems_before = problems_.size();
    for (ConfigProblem& problem : UnreadOfSource(source_, runtime->recipe, path_)) {
      problems_.push_back(std::move(problem));
    }
    VerifierOptions verify;
    verify.recipe = runtime->recipe;
    verify.public_url = source_.public_url();
    auto access = std::make_shared<SourceAccess>();
    for (int i = 0; i < source_.keys_size(); ++i) {
      verify.keys.push_back(MakeKey(i));
      KeyUse& use = access->keys.emplace_back();
      use.id = verify.keys.back().id;
      use.not_before = verify.keys.back().not_before;
      use.not_after = verify.keys.back().not_after;
    }
    if (source_.has_learned_key()) AddLearnedKeys(verify, *access);
    const GateOptions gate_options = MakeGate();
    if (source_.has_url_token()) {
      verify.url_token = Resolve(source_.url_token(), StrCat(path_, ".url_token"));
    }
    if (source_.has_handshake_token()) {
      verify.handshake_token =
          Resolve(source_.handshake_token(), StrCat(path_, ".handshake_token"));
    }
    if (problems_.size() != problems_before) return nullptr;
    Warn(verify.keys, runtime->recipe);
    verify.values.insert(source_.values().begin(), source_.values().end());
    verify.topic_arns.assign(source_.topic_arns().begin(), source_.topic_arns().end());
    verify.confirm_subscriptions = source_.confirm_subscriptions();
    verify.authorities_pem = authorities_pem_;
    verify.body_bytes_max = source_.body_bytes_max();

    auto verifier = Verifier::Create(std::move(verify));
    if (!verifier.ok()) return Fail(verifier.status());
    access->verifier = *std::move(verifier);
    auto gate = Gate::Create(gate_options);
    if (!gate.ok()) return Fail(gate.status());
    access->gate = *std::move(gate);
    runtime->access.Set(std::move(access));

    auto converter =
        Converter::Create(ConverterOptions{.source = source_.name(),
                                           .recipe = runtime->recipe,
                                           .public_url = source_.public_url(),
                                           .limits = Limits(),
                                           .secret_header = source_.gate().header().name()});
    if (!converter.ok()) return Fail(converter.status());
    runtime->converter = *std::move(converter);
    return runtime;
  }

 private:
  void Warn(const std::vector<KeyMaterial>& keys, const Recipe& recipe) {
    if (warnings_ == nullptr) return;
    for (ConfigProblem& warning : WarningsOfSource(source_, recipe, keys, path_)) {
      warnings_->push_back(std::move(warning));
    }
  }

  std::nullptr_t Fail(const absl::Status& status) {
    std::string_view message = ToStd(status.message());
    std::string path = path_;
    // Many begin with the field: `gate.basic: write …`.
    const size_t colon = message.find(": ");
    if (colon != std::string_view::npos && IsPath(message.substr(0, colon))) {
      StrAppend(&path, ".", message.substr(0, colon));
      message.remove_prefix(colon + 2);
    }
    problems_.push_back({.path = std::move(path), .message = std::string(message)});
    return nullptr;
  }

  bool MergedRecipe(Recipe& recipe) {
    if (!source_.preset().empty()) {
      auto preset = LoadPreset(source_.preset());
      if (!preset.ok()) {
        problems_.push_back({.path = StrCat(path_, ".preset"),
                             .message = std::string(ToStd(preset.status().message())),
                             .fix = "`hookbridge presets` lists them"});
        return false;
      }
      recipe = MergeRecipe(*preset, source_.recipe());
    } else {
      recipe = source_.recipe();
    }
    config::v1::Responses& responses = *recipe.mutable_responses();
    if (responses.ok() == 0) responses.set_ok(200);
    if (responses.duplicate() == 0) responses.set_duplicate(200);
    if (responses.bad_signature() == 0) responses.set_bad_signature(401);
    if (responses.malformed() == 0) responses.set_malformed(400);
    return IsOpenOnPurpose(recipe);
  }

  // LoadConfig sees a recipe alone; what it became with its preset is known here.
  bool IsOpenOnPurpose(const Recipe& recipe) {
    if (source_.i_understand_anyone_can_post() || recipe.algorithms().empty() ||
        recipe.algorithms(0).kind() != config::v1::ALGORITHM_KIND_NONE) {
      return true;
    }
    problems_.push_back({.path = path_,
                         .message = "kind none accepts what anyone sends",
                         .fix = "set i_understand_anyone_can_post: true, or choose another kind"});
    return false;
  }

  GateOptions MakeGate() {
    const config::v1::Gate& gate = source_.gate();
    GateOptions options{
        .allow_networks = {gate.allow_networks().begin(), gate.allow_networks().end()},
        .basic = {},
        .header_name = gate.header().name(),
        .header_value = {},
        .client_names = {gate.client_names().begin(), gate.client_names().end()}};
    if (gate.has_basic()) options.basic = Resolve(gate.basic(), StrCat(path_, ".gate.basic"));
    if (gate.has_header()) {
      options.header_value = Resolve(gate.header().value(), StrCat(path_, ".gate.header.value"));
    }
    return options;
  }

  KeyMaterial MakeKey(int index) {
    const config::v1::Key& key = source_.keys(index);
    const std::string path = StrCat(path_, ".keys[", index, "].secret");
    KeyMaterial material;
    material.id = key.id().empty() ? StrCat(index + 1) : key.id();
    material.secret = Resolve(key.secret(), path);
    // LoadConfig has checked that both parse.
    if (!key.not_before().empty()) {
      absl::ParseTime(absl::RFC3339_full, key.not_before(), &material.not_before, nullptr);
    }
    if (!key.not_after().empty()) {
      absl::ParseTime(absl::RFC3339_full, key.not_after(), &material.not_after, nullptr);
    }
    return material;
  }

  void AddLearnedKeys(VerifierOptions& verify, SourceAccess& access) {
    const std::string path = StrCat(path_, ".learned_key");
    const std::string& file = source_.learned_key().file();
    verify.learns_key = true;
    if (file.empty()) {
      problems_.push_back({.path = path + ".file",
                           .message = "is empty",
                           .fix = "write the path of the file that is to hold the key"});
      return;
    }
    const auto learned = ReadLearnedKeys(file);
    if (!learned.ok()) {
      problems_.push_back({.path = path + ".file",
                           .message = std::string(ToStd(learned.status().message())),
                           .fix = "mend it, or move it away and learn the key again"});
      return;
    }
    for (size_t i = 0; i < learned->size(); ++i) {
      const std::string id = i == 0 ? "learned" : "learned-previous";
      verify.keys.push_back({.id = id, .secret = (*learned)[i]});
      access.keys.emplace_back().id = id;
    }
    if (warnings_ == nullptr) return;
    if (learned->empty()) {
      warnings_->push_back({.path = path,
                            .message = "no key is learned yet",
                            .fix = StrCat("let `hookctl sources learn ", source_.name(),
                                          "` wait, and make the provider send it")});
    } else if (IsOpenToOthers(file)) {
      warnings_->push_back(
          {.path = path + ".file", .message = file + " is open to others", .fix = "chmod 600"});
    }
  }

  std::string Resolve(const config::v1::Secret& secret, const std::string& path) {
    auto text = ResolveSecret(secret);
    if (text.ok()) return *std::move(text);
    problems_.push_back({.path = path,
                         .message = std::string(ToStd(text.status().message())),
                         .fix = FixOf(secret)});
    return "";
  }

  ConvertLimits Limits() const {
    return {.json_depth_max = config_.convert().json_depth_max(),
            .parsed_bytes_max = config_.convert().parsed_bytes_max(),
            .json_elements_max = config_.convert().json_elements_max()};
  }

  const config::v1::Config& config_;
  const config::v1::Source& source_;
  const std::string path_;
  const std::string& authorities_pem_;
  std::vector<ConfigProblem>& problems_;
  std::vector<ConfigProblem>* const warnings_;
};

}  // namespace

std::vector<ConfigProblem> BuildSources(const config::v1::Config& config, SourceMap* sources,
                                        const std::string& authorities_pem,
                                        std::vector<ConfigProblem>* warnings) {
  std::vector<ConfigProblem> problems;
  for (int i = 0; i < config.sources_size(); ++i) {
    auto source = SourceBuilder(config, i, authorities_pem, problems, warnings).Build();
    if (source != nullptr) sources->emplace(config.sources(i).name(), std::move(source));
  }
  return problems;
}

}  // namespace hookbridge
