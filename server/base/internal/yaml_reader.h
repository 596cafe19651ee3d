#pragma once

#include "server/base/config_problem.h"

#include "google/protobuf/message.h"

#include <string_view>
#include <vector>

namespace hookbridge::internal {

// YamlToMessage, which also tells where each field stands. `readable` is false when the file
// stopped the parser, so that `message` says nothing about it.
struct YamlReading {
  std::vector<ConfigProblem> problems;
  LineMap lines;
  bool readable = true;
};
YamlReading ReadYaml(std::string_view yaml, google::protobuf::Message* message);

}  // namespace hookbridge::internal
