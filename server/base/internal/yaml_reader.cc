#include "server/base/internal/yaml_reader.h"

#include "server/base/internal/nearest.h"
#include "server/base/internal/yaml_fields.h"
#include "server/base/internal/yaml_tree.h"
#include "server/base/strings.h"

#include "google/protobuf/descriptor.h"

#include <optional>
#include <set>
#include <utility>

namespace hookbridge::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using Kind = YamlNode::Kind;

constexpr size_t kKeyBytesMax = 64;
// In a path, for a key that is not shown.
constexpr std::string_view kHidden = "?";

std::vector<std::string_view> FieldNames(const Descriptor& type) {
  std::vector<std::string_view> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

// Whether any message of the shape has such a field.
bool IsFieldSomewhere(const Descriptor& type, std::string_view name,
                      std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return false;
  if (type.FindFieldByName(std::string(name)) != nullptr) return true;
  for (int i = 0; i < type.field_count(); ++i) {
    const Descriptor* const inner = type.field(i)->message_type();
    if (inner != nullptr && IsFieldSomewhere(*inner, name, seen)) return true;
  }
  return false;
}

bool IsOf(std::string_view text, std::string_view characters) {
  return text.size() <= kKeyBytesMax &&
         text.find_first_not_of(characters) == std::string_view::npos;
}

// Walks tree and message side by side. The recursion is bounded by kYamlDepthMax of the tree.
class Reader {
 public:
  explicit Reader(YamlReading& reading) : reading_(reading) {}

  void ReadRoot(const YamlNode& node, Message& message) {
    root_ = message.GetDescriptor();
    ReadMessage(node, "", message);
  }

 private:
  void ReadMessage(const YamlNode& node, const std::string& path, Message& message) {
    if (IsTextMessage(*message.GetDescriptor())) {
      if (!Expect(node, Kind::kScalar, path, TextMessageFix(*message.GetDescriptor()))) return;
      Report(node, path, SetTextMessage(node, message));
      return;
    }
    if (!Expect(node, Kind::kMap, path, "write its fields, indented, as `name: value`")) return;
    std::set<std::string_view> seen;
    for (size_t i = 0; i < node.children.size(); ++i) {
      const std::string key_path = Join(path, ShownField(node.keys[i], *message.GetDescriptor()));
      if (IsNewKey(node.keys[i], key_path, seen)) {
        ReadField(node.keys[i], node.children[i], key_path, message);
      }
    }
  }

  static std::string Join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : StrCat(path, ".", name);
  }

  // A field's key as part of a path. A secret may stand where a name belongs: an unknown one is
  // shown only when it is nearly a known one.
  std::string ShownField(const YamlNode& key, const Descriptor& type) const {
    if (key.text == "<<" || type.FindFieldByName(key.text) != nullptr) return key.text;
    std::set<const Descriptor*> seen;
    const bool is_near =
        !Nearest(key.text, FieldNames(type)).empty() || IsFieldSomewhere(*root_, key.text, seen);
    return is_near && IsOf(key.text, "abcdefghijklmnopqrstuvwxyz_") ? key.text
                                                                    : std::string(kHidden);
  }

  // The same of a map, whose keys are the writer's own.
  static std::string ShownKey(const YamlNode& key) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_<";
    return IsOf(key.text, kLetters) ? key.text : std::string(kHidden);
  }

  void Add(int line, const std::string& path, std::string message, std::string fix) {
    reading_.problems.push_back({line, path, std::move(message), std::move(fix)});
  }

  void Report(const YamlNode& node, const std::string& path,
              const std::optional<ValueProblem>& problem) {
    if (problem.has_value()) Add(node.line, path, problem->message, problem->fix);
  }

  bool Expect(const YamlNode& node, Kind kind, const std::string& path, std::string_view fix) {
    if (node.kind == kind) return true;
    std::string_view found = "a text";
    if (node.kind == Kind::kNull) found = "nothing";
    if (node.kind == Kind::kSequence) found = "a list";
    if (node.kind == Kind::kMap) found = "fields";
    std::string_view wanted = "a single value";
    if (kind == Kind::kSequence) wanted = "a list";
    if (kind == Kind::kMap) wanted = "fields";
    Add(node.line, path, StrCat("holds ", found, "; ", wanted, " must stand here"),
        node.kind == Kind::kNull ? StrCat(fix, ", or remove the line") : std::string(fix));
    return false;
  }

  bool IsNewKey(const YamlNode& key, const std::string& key_path,
                std::set<std::string_view>& seen) {
    if (!key.quoted && key.text == "<<") {
      Add(key.line, key_path, "merge keys are not supported", "write the fields out");
      return false;
    }
    if (seen.insert(key.text).second) {
      reading_.lines.emplace(key_path, key.line);
      return true;
    }
    Add(key.line, key_path, "stands here twice", "keep one of them");
    return false;
  }

  void ReadField(const YamlNode& key, const YamlNode& node, const std::string& path,
                 Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    const FieldDescriptor* const field = type.FindFieldByName(key.text);
    if (field == nullptr) {
      AddUnknown(key, path, type);
    } else if (!OneofIsFree(key, *field, path, message)) {
      return;
    } else if (field->is_map()) {
      ReadMap(node, *field, path, message);
    } else if (field->is_repeated()) {
      ReadList(node, *field, path, message);
    } else {
      ReadValue(node, *field, path, message);
    }
  }

  void AddUnknown(const YamlNode& key, const std::string& path, const Descriptor& type) {
    const std::vector<std::string_view> names = FieldNames(type);
    const std::string_view nearest = Nearest(key.text, names);
    const bool is_hidden = path.ends_with(kHidden);
    Add(key.line, path,
        is_hidden ? "unknown field; its name is left out here, it may be a secret"
                  : "unknown field",
        nearest.empty() ? StrCat("the fields here are ", StrJoin(names, ", "))
                        : StrCat("did you mean `", nearest, "`?"));
  }

  bool OneofIsFree(const YamlNode& key, const FieldDescriptor& field, const std::string& path,
                   const Message& message) {
    const OneofDescriptor* const oneof = field.containing_oneof();
    if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return true;
    const FieldDescriptor* const set =
        message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    Add(key.line, path, StrCat("stands beside `", set->name(), "`, which excludes it"),
        "keep one of the two");
    return false;
  }

  void ReadList(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                Message& message) {
    if (!Expect(node, Kind::kSequence, path, "write a list, each item after `- `")) return;
    for (size_t i = 0; i < node.children.size(); ++i) {
      const std::string item_path = StrCat(path, "[", i, "]");
      reading_.lines.emplace(item_path, node.children[i].line);
      ReadValue(node.children[i], field, item_path, message);
    }
  }

  // Protobuf shows an entry of a map as a message of its key and value.
  void ReadMap(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
               Message& message) {
    if (!Expect(node, Kind::kMap, path, "write entries, indented, as `name: value`")) return;
    std::set<std::string_view> seen;
    for (size_t i = 0; i < node.children.size(); ++i) {
      const YamlNode& key = node.keys[i];
      const std::string entry_path = Join(path, ShownKey(key));
      if (!IsNewKey(key, entry_path, seen)) continue;
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      const Descriptor& type = *field.message_type();
      Report(key, entry_path, SetScalar(key, *type.map_key(), entry));
      ReadValue(node.children[i], *type.map_value(), entry_path, entry);
    }
  }

  // One value: of a single field, or an item that is added to a repeated one.
  void ReadValue(const YamlNode& node, const FieldDescriptor& field, const std::string& path,
                 Message& message) {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!Expect(node, Kind::kScalar, path, "write a value")) return;
      Report(node, path, SetScalar(node, field, message));
      return;
    }
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    ReadMessage(node, path,
                field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                    : *reflection.MutableMessage(&message, &field));
  }

  YamlReading& reading_;
  const Descriptor* root_ = nullptr;
};

}  // namespace

YamlReading ReadYaml(std::string_view yaml, Message* message) {
  YamlReading reading;
  YamlNode root;
  if (auto problem = ParseYaml(yaml, root)) {
    reading.problems.push_back(*std::move(problem));
    reading.readable = false;
  } else if (root.kind != Kind::kNull) {
    Reader(reading).ReadRoot(root, *message);
  }
  return reading;
}

}  // namespace hookbridge::internal
