#pragma once

#include "server/base/json_tape.h"

#include <string>
#include <vector>

namespace hookbridge {

// Appends the google.protobuf.Value message of the whole tape, exactly ValueWireBytes of its root.
void AppendValue(const JsonTape& tape, std::string& out);

// JSON Pointers (RFC 6901) of the numbers that a double cannot hold, in document order.
std::vector<std::string> InexactPointers(const JsonTape& tape);

}  // namespace hookbridge
