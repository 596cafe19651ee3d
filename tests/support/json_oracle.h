#pragma once

#include <string>
#include <string_view>

namespace hookbridge {

// Compares the transcoder with Boost.JSON and, where that accepts too, with Protobuf's reader.
// Empty when they agree; else what differs.
std::string CompareWithOtherReaders(std::string_view text);

}  // namespace hookbridge
