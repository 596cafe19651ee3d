#include "server/verify/presets.h"

#include "server/base/strings.h"
#include "server/base/yaml_to_message.h"
#include "server/verify/embedded_presets.h"

#include "google/protobuf/descriptor.h"

#include <string>

namespace hookbridge {
namespace {

using config::v1::Recipe;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void Merge(const Message& changes, Message& target) {
  const auto* const reflection = changes.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(changes, &fields);
  for (const FieldDescriptor* const field : fields) {
    const bool descend = !field->is_repeated() &&
                         field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                         field->message_type()->file()->package() == "hookbridge.config.v1" &&
                         field->message_type()->name() != "ValueSource";
    if (descend) {
      Merge(reflection->GetMessage(changes, field), *reflection->MutableMessage(&target, field));
      continue;
    }
    reflection->ClearField(&target, field);
    // A message with this field alone, merged: copies any kind of field.
    const std::unique_ptr<Message> only(changes.New());
    only->CopyFrom(changes);
    for (const FieldDescriptor* const other : fields) {
      if (other != field) reflection->ClearField(only.get(), other);
    }
    target.MergeFrom(*only);
  }
}

}  // namespace

const std::vector<Preset>& Presets() {
  static const auto* const kPresets = new std::vector<Preset>(EmbeddedPresets());
  return *kPresets;
}

absl::StatusOr<Recipe> LoadPreset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Preset& preset : Presets()) {
    names.push_back(preset.name);
    if (preset.name != name) continue;
    Recipe recipe;
    const auto problems = YamlToMessage(preset.yaml, &recipe);
    if (problems.empty()) return recipe;
    return absl::InternalError(FormatProblems(StrCat("preset ", name), problems));
  }
  return absl::NotFoundError(StrCat("no preset `", name, "`; there are ", StrJoin(names, ", ")));
}

Recipe MergeRecipe(const Recipe& base, const Recipe& changes) {
  Recipe merged = base;
  Merge(changes, merged);
  return merged;
}

}  // namespace hookbridge
