#pragma once

#include "server/journal/journal.h"

#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

// A place in the journal as clients keep it: an opaque text that names its journal, so that a
// cursor of another one is noticed, with a checksum, so that a damaged one is.
struct Cursor {
  JournalId journal{};
  uint32_t partition = 0;
  Position position = 0;
};

std::string SealCursor(const Cursor& cursor);

// nullopt when the text is not a cursor of any journal.
std::optional<Cursor> OpenCursor(std::string_view text);

}  // namespace hookbridge
