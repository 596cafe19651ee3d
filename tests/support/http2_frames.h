#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// HTTP/2 frames by hand (RFC 9113), for what no client library sends.
namespace hookbridge::http2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr uint8_t kEndStream = 1;
inline constexpr uint8_t kAcknowledge = 1;
inline constexpr uint8_t kEndHeaders = 4;

inline std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame;
  for (int shift = 16; shift >= 0; shift -= 8)
    frame.push_back(static_cast<char>(payload.size() >> shift));
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(stream >> shift));
  return frame.append(payload);
}

// A header line that enters no table (RFC 7541, 6.2.2), name and value up to 126 bytes.
inline std::string HeaderLine(std::string_view name, std::string_view value) {
  std::string line(1, '\0');
  line.push_back(static_cast<char>(name.size()));
  line.append(name);
  line.push_back(static_cast<char>(value.size()));
  return line.append(value);
}

inline std::string Start() { return std::string(kPreface) + Frame(4, 0, 0, ""); }
inline std::string SettingsAcknowledged() { return Frame(4, kAcknowledge, 0, ""); }
// The head of a gRPC call.
inline std::string Call(uint32_t stream, std::string_view path, bool ended = false) {
  const std::string block = HeaderLine(":method", "POST") + HeaderLine(":scheme", "http") +
                            HeaderLine(":path", path) + HeaderLine(":authority", "h") +
                            HeaderLine("content-type", "application/grpc") +
                            HeaderLine("te", "trailers");
  return Frame(1, kEndHeaders | (ended ? kEndStream : 0), stream, block);
}
inline std::string Data(uint32_t stream, std::string_view bytes, bool ended) {
  return Frame(0, ended ? kEndStream : 0, stream, bytes);
}
inline std::string Reset(uint32_t stream) {
  return Frame(3, 0, stream, std::string("\0\0\0\x8", 4));
}
inline std::string Ping() { return Frame(6, 0, 0, "12345678"); }
inline std::string WindowUpdate() { return Frame(8, 0, 0, std::string("\0\0\0\1", 4)); }

}  // namespace hookbridge::http2
