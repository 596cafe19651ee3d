// Any text is a configuration file: it loads or is told what is wrong, and every problem can be
// read: valid UTF-8, with a message and a fix.
#include "server/base/config.h"
#include "server/base/encoding.h"
#include "server/base/yaml_to_message.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckProblems(const std::vector<hookbridge::ConfigProblem>& problems) {
  for (const hookbridge::ConfigProblem& problem : problems) {
    Require(problem.line >= 0 && !problem.message.empty() && !problem.fix.empty());
  }
  Require(hookbridge::IsValidUtf8(hookbridge::FormatProblems("f", problems)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view yaml(reinterpret_cast<const char*>(data), size);
  hookbridge::config::v1::Config config;
  const auto problems = hookbridge::LoadConfig(yaml, &config);
  CheckProblems(problems);
  // What loads can be stored: every string field holds UTF-8.
  if (problems.empty()) Require(!config.SerializeAsString().empty());

  hookbridge::config::v1::Recipe recipe;
  CheckProblems(hookbridge::YamlToMessage(yaml, &recipe));
  return 0;
}
