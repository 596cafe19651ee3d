#pragma once

#include "server/base/wire.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hookbridge {

// Fields of hookbridge.v1.Event.
inline constexpr uint32_t kSourceField = 2;
inline constexpr uint32_t kDedupKeyField = 6;
inline constexpr uint32_t kAttributesField = 11;

// One entry of Event.attributes.
inline void AppendAttribute(std::string& out, std::string_view name, std::string_view value) {
  std::string entry;
  AppendBytesField(entry, 1, name);
  AppendBytesField(entry, 2, value);
  AppendBytesField(out, kAttributesField, entry);
}

}  // namespace hookbridge
