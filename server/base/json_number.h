#pragma once

#include <string_view>

namespace hookbridge {

struct JsonNumber {
  double value = 0;
  // The shortest decimal that reads back as `value` has the lexeme's value: 0.1 and 1.10 do,
  // 2^53+1, 1e400 and 0.10000000000000000555 do not.
  bool exact = false;
};

// Reads a lexeme that has the grammar of RFC 8259 section 6. Pure; its time is linear in the
// length.
JsonNumber ReadJsonNumber(std::string_view lexeme);

}  // namespace hookbridge
