#include "server/verify/presets.h"

#include "client/hookctl/command.h"
#include "server/base/strings.h"

namespace hookbridge::hookctl {
namespace {

int RunPresetsList(const Args& args, Environment& environment) {
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return Fail(words, environment);
  for (const Preset& preset : Presets()) {
    const auto recipe = LoadPreset(preset.name);
    if (!recipe.ok()) return Fail(recipe.status(), environment);
    std::string name(preset.name);
    name.resize(std::max<size_t>(name.size(), 20), ' ');
    environment.out << name << recipe->description() << '\n';
  }
  return kExitOk;
}

int RunPresetsShow(const Args& args, Environment& environment) {
  constexpr std::string_view kWords[] = {"NAME"};
  if (const absl::Status words = args.ExpectWords(kWords); !words.ok()) {
    return Fail(words, environment);
  }
  for (const Preset& preset : Presets()) {
    if (preset.name != args.words()[0]) continue;
    environment.out << preset.yaml;
    return kExitOk;
  }
  return Fail(absl::NotFoundError(StrCat("no preset '", args.words()[0], "'; presets list")),
              environment);
}

}  // namespace

Command PresetsListCommand() {
  return {.name = "presets list",
          .summary = "list the schemes that ship with the bridge",
          .usage = "",
          .details = "Presets are recipes: data, not code.\n\n  hookctl presets list\n",
          .flags = {},
          .run = RunPresetsList};
}

Command PresetsShowCommand() {
  return {.name = "presets show",
          .summary = "print a preset's recipe, to copy and change",
          .usage = "NAME",
          .details =
              "Prints the YAML as shipped, with its comments.\n\n"
              "  hookctl presets show stripe\n",
          .flags = {},
          .run = RunPresetsShow};
}

}  // namespace hookbridge::hookctl
