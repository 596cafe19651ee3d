#include "server/ingress/internal/chunks.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

using State = ChunkDecoder::State;

constexpr ChunkDecoder::Limits kLimits{
    .body_bytes_max = 20, .line_bytes_max = 20, .trailer_bytes_max = 24, .trailer_lines_max = 3};

struct Outcome {
  State state;
  std::string body;
  size_t used;
  std::string rule;
};

// `step` bytes come at a time; the decoder sees again what it left.
Outcome Decode(const std::string& bytes, size_t step = SIZE_MAX) {
  ChunkDecoder decoder(kLimits);
  std::string body;
  size_t used = 0;
  for (size_t end = 0; end < bytes.size() && decoder.state() == State::kMore;) {
    end += std::min(step, bytes.size() - end);
    used += decoder.Decode(std::string_view(bytes).substr(used, end - used), body);
  }
  return {decoder.state(), body, used, std::string(decoder.rule())};
}

// Byte by byte as at once; what follows the body is left.
TEST(ChunksTest, DecodesHoweverTheBytesCome) {
  const std::string bytes = "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nA: b\r\nC:\r\n\r\n";
  for (size_t step = 1; step <= bytes.size(); ++step) {
    const Outcome outcome = Decode(bytes + "POST /", step);
    EXPECT_EQ(outcome.state, State::kDone) << step;
    EXPECT_EQ(outcome.body, "abc0123456789") << step;
    EXPECT_EQ(outcome.used, bytes.size()) << step;
  }
  EXPECT_EQ(Decode("0\r\n\r\n").state, State::kDone);
  EXPECT_EQ(Decode("0\r\n").state, State::kMore);
}

TEST(ChunksTest, RefusesWhatServersReadDifferently) {
  for (const char* const bytes : {"x\r\n",          "-1\r\na",          "+1\r\na",
                                  "0x1\r\na",       " 1\r\na",          "1 \r\na",
                                  "1 ;x\r\na",      ";x\r\n",           "\r\n",
                                  "1\na",           "1\r\na\n",         "1\r\nab\r\n",
                                  "1\ra",           "1;a\x01\r\n",      "00000000000000001\r\na",
                                  "0\r\nbad\r\n",   "0\r\n x: 1\r\n",   "0\r\nA: b\r\n\tc\r\n\r\n",
                                  "0\r\nA : b\r\n", "0\r\nA: \x7f\r\n", "0\r\nA: b\n\r\n"}) {
    for (const size_t step : {size_t{1}, SIZE_MAX}) {
      const Outcome outcome = Decode(bytes, step);
      EXPECT_EQ(outcome.state, State::kMalformed) << bytes;
      EXPECT_FALSE(outcome.rule.empty()) << bytes;
    }
  }
}

// Which of two faults is told does not depend on how the bytes come.
TEST(ChunksTest, TheFirstFaultIsTheOneThatIsTold) {
  for (const std::string bytes :
       {"0\r\na:\r\na:\r\na:\r\nb:\rx\n\r\n", "0\r\na:\r\na:\r\na:\r\n\rx",
        "0\r\nA: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\rx", "1;xxxxxxxxxxxxxxxxxxxxxxx\rx"}) {
    const Outcome whole = Decode(bytes);
    const Outcome pieces = Decode(bytes, 1);
    EXPECT_EQ(whole.state, pieces.state) << bytes;
    EXPECT_EQ(whole.rule, pieces.rule) << bytes;
  }
}

TEST(ChunksTest, LimitsHoldExactly) {
  EXPECT_EQ(Decode("14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n").state, State::kDone);
  EXPECT_EQ(Decode("15\r\n").state, State::kBodyTooLarge) << "before its bytes come";
  EXPECT_EQ(Decode("a\r\n0123456789\r\nb\r\n").state, State::kBodyTooLarge);
  EXPECT_EQ(Decode("ffffffffffffffff\r\n").state, State::kBodyTooLarge);
  EXPECT_EQ(Decode("1;" + std::string(16, 'x') + "\r\n").state, State::kMore);
  EXPECT_EQ(Decode("1;" + std::string(17, 'x') + "\r\n").state, State::kMalformed);
  EXPECT_EQ(Decode("1;" + std::string(19, 'x')).state, State::kMalformed) << "before it ends";
  const auto trailer = [](size_t bytes) {
    return "0\r\nA:" + std::string(bytes - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(Decode(trailer(24), 1).state, State::kDone);
  EXPECT_EQ(Decode(trailer(25), 1).state, State::kTrailerTooLarge);
  EXPECT_EQ(Decode("0\r\nA: " + std::string(100, 'x')).state, State::kTrailerTooLarge);
  EXPECT_EQ(Decode("0\r\na:\r\na:\r\na:\r\n\r\n").state, State::kDone);
  EXPECT_EQ(Decode("0\r\na:\r\na:\r\na:\r\na:\r\n\r\n").state, State::kTrailerTooLarge);
}

}  // namespace
}  // namespace hookbridge
