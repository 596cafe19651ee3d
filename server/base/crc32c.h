#pragma once

#include <cstdint>
#include <string_view>

namespace hookbridge {

// CRC-32C (Castagnoli; RFC 3720 appendix B.4) of `bytes`, going on from `crc` (0 at the start).
// Uses the processor's instruction where there is one.
uint32_t Crc32c(uint32_t crc, std::string_view bytes);

}  // namespace hookbridge
