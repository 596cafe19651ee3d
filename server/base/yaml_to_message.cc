#include "server/base/yaml_to_message.h"

#include "server/base/internal/yaml_reader.h"

#include <utility>

namespace hookbridge {

std::vector<ConfigProblem> YamlToMessage(std::string_view yaml,
                                         google::protobuf::Message* message) {
  return std::move(internal::ReadYaml(yaml, message).problems);
}

}  // namespace hookbridge
