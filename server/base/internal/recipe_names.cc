#include "server/base/internal/config_rules.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

#include <set>
#include <utility>

namespace hookbridge::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Problems = std::vector<ConfigProblem>;

void AddEmpty(const std::string& path, Problems& problems) {
  problems.push_back({.path = path, .message = "is empty", .fix = "write a text, or remove it"});
}

bool IsHeaderField(std::string_view name) {
  return name == "header" || name == "headers" || name == "keep_headers" ||
         name.ends_with("_header");
}

// An empty JSON Pointer is the whole document, an empty pattern the value that does not exist.
bool MayBeEmpty(std::string_view name) {
  static const std::set<std::string_view> kNames = {"json_pointer", "item_pointer", "literal",
                                                    "when"};
  return kNames.contains(name);
}

// Walks all fields that are set. The recursion is bounded by the depth that YAML may have.
class NameChecker {
 public:
  explicit NameChecker(Problems& problems) : problems_(problems) {}

  void Check(const Message& message, const std::string& path) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* const field : fields) {
      const std::string field_path = StrCat(path, ".", field->name());
      if (!field->is_repeated()) {
        CheckOne(message, *field, field_path);
        continue;
      }
      const int size = message.GetReflection()->FieldSize(message, field);
      for (int i = 0; i < size; ++i) CheckItem(message, *field, i, field_path);
    }
  }

 private:
  void CheckOne(const Message& message, const FieldDescriptor& field, const std::string& path) {
    const auto& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Check(reflection.GetMessage(message, &field), path);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      CheckText(reflection.GetString(message, &field), field, path);
    }
  }

  void CheckItem(const Message& message, const FieldDescriptor& field, int index,
                 const std::string& path) {
    const auto& reflection = *message.GetReflection();
    if (field.is_map()) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, index);
      CheckEntry(entry, field, path);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Check(reflection.GetRepeatedMessage(message, &field, index), StrCat(path, "[", index, "]"));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      CheckText(reflection.GetRepeatedString(message, &field, index), field,
                StrCat(path, "[", index, "]"));
    }
  }

  // `path` is the map's: what it has for keys is the writer's own.
  void CheckEntry(const Message& entry, const FieldDescriptor& map, const std::string& path) {
    const FieldDescriptor& key = *map.message_type()->map_key();
    const FieldDescriptor& value = *map.message_type()->map_value();
    const std::string name = entry.GetReflection()->GetString(entry, &key);
    if (IsHeaderField(map.name()) || map.name() == "required_headers") {
      CheckHeaderName(name, path, problems_);
    } else if (name.empty()) {
      AddEmpty(path, problems_);
    }
    if (value.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Check(entry.GetReflection()->GetMessage(entry, &value), StrCat(path, ".", name));
    }
  }

  void CheckText(std::string_view text, const FieldDescriptor& field, const std::string& path) {
    if (!IsHeaderField(field.name())) {
      if (text.empty() && !MayBeEmpty(field.name())) AddEmpty(path, problems_);
      return;
    }
    // A trailing `*` makes a prefix, `|` stands between alternatives.
    if (field.name() == "keep_headers" && text.ends_with('*')) {
      text.remove_suffix(1);
      if (text.empty()) return;
    }
    const size_t told = problems_.size();
    while (problems_.size() == told) {
      const size_t bar = text.find('|');
      CheckHeaderName(text.substr(0, bar), path, problems_);
      if (bar == std::string_view::npos) return;
      text.remove_prefix(bar + 1);
    }
  }

  Problems& problems_;
};

}  // namespace

void CheckRecipeNames(const config::v1::Recipe& recipe, const std::string& path,
                      Problems& problems) {
  NameChecker(problems).Check(recipe, path);
}

void CheckHeaderName(std::string_view name, const std::string& path, Problems& problems) {
  constexpr std::string_view kCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
  if (name.empty()) {
    problems.push_back({.path = path,
                        .message = "the name of a header is empty",
                        .fix = "write a name, for example X-Signature, or remove it"});
  } else if (name.find_first_not_of(kCharacters) != std::string_view::npos) {
    problems.push_back({.path = path,
                        .message = "is not the name of a header",
                        .fix = "write letters, digits and -, for example X-Signature"});
  } else if (name.size() > limits::kHeaderNameBytesMax) {
    problems.push_back({.path = path,
                        .message = StrCat("the name has ", name.size(), " characters"),
                        .fix = StrCat("write at most ", limits::kHeaderNameBytesMax)});
  }
}

void CheckEntries(const google::protobuf::RepeatedPtrField<std::string>& entries,
                  const std::string& path, Problems& problems) {
  for (int i = 0; i < entries.size(); ++i) {
    if (entries[i].empty()) AddEmpty(StrCat(path, "[", i, "]"), problems);
  }
}

}  // namespace hookbridge::internal
