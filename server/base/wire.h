#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// Protobuf's wire form by hand, for the runs of events that are never built as messages. Source:
// protobuf.dev/programming-guides/encoding.
namespace hookbridge {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

static_assert(std::endian::native == std::endian::little, "the wire form is little-endian");

constexpr size_t VarintBytes(uint64_t value) {
  // ceil(bits / 7) for 1 to 64 bits, without a division.
  return (static_cast<size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

inline void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline void AppendTag(std::string& out, uint32_t field, WireType type) {
  AppendVarint(out, (static_cast<uint64_t>(field) << 3) | static_cast<uint64_t>(type));
}

// For int64 and int32 fields pass the value sign-extended to 64 bits.
inline void AppendVarintField(std::string& out, uint32_t field, uint64_t value) {
  AppendTag(out, field, WireType::kVarint);
  AppendVarint(out, value);
}

// Strings, bytes and messages.
inline void AppendBytesField(std::string& out, uint32_t field, std::string_view bytes) {
  AppendTag(out, field, WireType::kBytes);
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

inline void AppendFixed64Field(std::string& out, uint32_t field, uint64_t value) {
  AppendTag(out, field, WireType::kFixed64);
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  out.append(bytes, sizeof(bytes));
}

inline void AppendDoubleField(std::string& out, uint32_t field, double value) {
  AppendFixed64Field(out, field, std::bit_cast<uint64_t>(value));
}

// Goes over the fields of one serialised message, not into them. Every read is bounded by the
// input. Ownership: views the input, which outlives it. Threads: thread-compatible.
//   WireReader reader(bytes);
//   while (reader.Next()) { switch (reader.field()) … }
//   if (!reader.ok()) …
class WireReader {
 public:
  explicit WireReader(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  // True: the accessors tell the next field. False: the end, or malformed (then !ok()): truncated,
  // field number 0 or above 2^29-1, a group, a varint over 10 bytes.
  bool Next() {
    if (at_ == end_ || !ok_) return false;
    const char* const start = at_;
    ok_ = ReadField();
    entry_ = {start, static_cast<size_t>(at_ - start)};
    return ok_;
  }

  bool ok() const { return ok_; }
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }
  // The value of a kVarint, kFixed64 or kFixed32 field; of kBytes the length.
  uint64_t number() const { return number_; }
  double number_as_double() const { return std::bit_cast<double>(number_); }
  // The content of a kBytes field, else empty.
  std::string_view bytes() const { return bytes_; }
  // The whole field, tag included.
  std::string_view entry() const { return entry_; }

 private:
  static constexpr uint64_t kFieldMax = (1u << 29) - 1;

  size_t left() const { return static_cast<size_t>(end_ - at_); }

  bool ReadField() {
    uint64_t tag = 0;
    if (!ReadVarint(tag)) return false;
    const uint64_t field = tag >> 3;
    if (field == 0 || field > kFieldMax) return false;
    field_ = static_cast<uint32_t>(field);
    type_ = static_cast<WireType>(tag & 7);
    bytes_ = {};
    switch (type_) {
      case WireType::kVarint:
        return ReadVarint(number_);
      case WireType::kFixed64:
        return ReadFixed(sizeof(uint64_t));
      case WireType::kFixed32:
        return ReadFixed(sizeof(uint32_t));
      case WireType::kBytes:
        return ReadBytes();
    }
    return false;
  }

  bool ReadVarint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at_ == end_) return false;
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 63 || byte <= 1;
    }
    return false;
  }

  bool ReadFixed(size_t bytes) {
    if (left() < bytes) return false;
    number_ = 0;
    std::memcpy(&number_, at_, bytes);
    at_ += bytes;
    return true;
  }

  bool ReadBytes() {
    if (!ReadVarint(number_) || number_ > left()) return false;
    bytes_ = {at_, static_cast<size_t>(number_)};
    at_ += number_;
    return true;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  uint64_t number_ = 0;
  std::string_view bytes_;
  std::string_view entry_;
};

}  // namespace hookbridge
