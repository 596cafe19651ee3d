#pragma once

#include <cstdint>
#include <string_view>

namespace hookbridge {

// CRC-32 as of zlib and PNG (ISO 3309, ITU-T V.42). For schemes that sign it; it protects nothing.
uint32_t Crc32(std::string_view bytes);

}  // namespace hookbridge
