#pragma once

#include "server/base/config_problem.h"

#include "google/protobuf/message.h"

#include <string_view>
#include <vector>

namespace hookbridge {

// Fills `message` from YAML of its shape; returns all problems at once (empty: good). Field names
// as in the proto; enums by their value's name without the type's prefix, in lower case
// (`drop_oldest`); Duration as `5s`, `300ms`, `7d`; unsigned fields whose name ends in `_bytes_max`
// or `max_bytes` also as `64MiB`, `10kB`; config.v1.Secret as `env:NAME`, `file:/path` or
// `inline:text`; a oneof member by its field's name; maps as YAML maps. Problems: unknown field
// (with the nearest known one as the fix), wrong type, number out of range, repeated key, alias or
// merge key, several documents, nesting over 32, more than 100 000 nodes, input over 4 MiB. Never
// throws.
std::vector<ConfigProblem> YamlToMessage(std::string_view yaml, google::protobuf::Message* message);

}  // namespace hookbridge
