#pragma once

#include "server/base/internal/yaml_tree.h"

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

#include <optional>
#include <string>
#include <string_view>

// Single values of a message's fields. Each function returns nothing and sets the field, or returns
// what is wrong with the text and leaves the field.
namespace hookbridge::internal {

struct ValueProblem {
  std::string message;
  std::string fix;
};

// Sets a scalar field, or adds to a repeated one. `node` is a kScalar.
std::optional<ValueProblem> SetScalar(const YamlNode& node,
                                      const google::protobuf::FieldDescriptor& field,
                                      google::protobuf::Message& message);

// True for the messages that are written as one text: Duration and Secret.
bool IsTextMessage(const google::protobuf::Descriptor& type);

// What to write for a message of such a type.
std::string_view TextMessageFix(const google::protobuf::Descriptor& type);

// Fills a message of such a type.
std::optional<ValueProblem> SetTextMessage(const YamlNode& node,
                                           google::protobuf::Message& message);

}  // namespace hookbridge::internal
