#pragma once

#include "server/base/wire.h"

#include <string>
#include <string_view>

namespace hookbridge {

// One entry of Event.attributes.
inline void AppendAttribute(std::string& out, std::string_view name, std::string_view value) {
  std::string entry;
  AppendBytesField(entry, 1, name);
  AppendBytesField(entry, 2, value);
  AppendBytesField(out, 11, entry);
}

}  // namespace hookbridge
