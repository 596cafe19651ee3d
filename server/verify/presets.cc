#include "server/verify/presets.h"

#include "server/base/strings.h"
#include "server/base/yaml_to_message.h"
#include "server/verify/embedded_presets.h"
#include "server/verify/recipe_use.h"

#include "google/protobuf/descriptor.h"

#include <charconv>
#include <string>
#include <utility>

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

// A field, or one element of it.
struct FoundPath {
  Message* message = nullptr;
  const FieldDescriptor* field = nullptr;
  int index = -1;  // of a list: -1 is all of it
};

// What a path of UnreadField names, for example `algorithms[0].hash`. Null when the message has
// nothing there.
FoundPath FindField(Message& root, std::string_view path) {
  Message* message = &root;
  while (true) {
    const std::string_view step = path.substr(0, path.find('.'));
    const size_t bracket = step.find('[');
    const std::string name(step.substr(0, bracket));
    const FieldDescriptor* const field = message->GetDescriptor()->FindFieldByName(name);
    const auto* const reflection = message->GetReflection();
    const int count = field == nullptr ? 0
                      : field->is_repeated()
                          ? reflection->FieldSize(*message, field)
                          : static_cast<int>(reflection->HasField(*message, field));
    if (count == 0) return {};
    int index = -1;
    if (bracket != std::string_view::npos) {
      std::from_chars(step.data() + bracket + 1, step.data() + step.size(), index);
      if (index >= count) return {};
    }
    if (step.size() == path.size()) return {message, field, index};
    if (field->is_repeated() != (index >= 0)) return {};
    path.remove_prefix(step.size() + 1);
    message = index < 0 ? reflection->MutableMessage(message, field)
                        : reflection->MutableRepeatedMessage(message, field, index);
  }
}

void Remove(const FoundPath& found) {
  const auto* const reflection = found.message->GetReflection();
  if (found.index < 0) {
    reflection->ClearField(found.message, found.field);
    return;
  }
  const int last = reflection->FieldSize(*found.message, found.field) - 1;
  for (int i = found.index; i < last; ++i) {
    reflection->SwapElements(found.message, found.field, i, i + 1);
  }
  reflection->RemoveLast(found.message, found.field);
}

// What the changes leave of the preset and nothing reads any more, for example a prefix when the
// signature has none now. What the changes themselves say stays, to be refused.
void DropUnread(Recipe changes, Recipe& merged) {
  const auto drop_one = [&] {
    for (const UnreadField& unread : UnreadFields(merged)) {
      if (FindField(changes, unread.field).message != nullptr) continue;
      const FoundPath found = FindField(merged, unread.field);
      if (found.message == nullptr) continue;
      Remove(found);
      return true;
    }
    return false;
  };
  while (drop_one()) {
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
  DropUnread(changes, merged);
  return merged;
}

}  // namespace hookbridge
