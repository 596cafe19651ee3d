#include "server/http2/frame_guard.h"

#include "server/base/limits.h"
#include "tests/support/http2_frames.h"

#include "gtest/gtest.h"

#include <set>

namespace hookbridge {
namespace {

using http2::Call;
using http2::Data;
using http2::Frame;
using http2::Reset;

constexpr char kPath[] = "/s/m";

class FrameGuardTest : public testing::Test {
 protected:
  FrameGuardTest() {
    EXPECT_EQ(Send(http2::Start() + http2::SettingsAcknowledged()), std::nullopt);
  }

  // What the client is cut for, at the time now_.
  std::optional<Cut> Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const FrameGuard::Step step = guard_.FromClient(bytes, now_);
      if (step.cut) return step.cut;
      EXPECT_LE(step.calls, limits::kGrpcCallsAtOnce);
      EXPECT_GT(step.bytes, 0u);
      bytes.remove_prefix(step.bytes);
    }
    return std::nullopt;
  }
  // How often `frame` passes until it does not; `why` is the reason then.
  size_t Passes(const std::string& frame, Cut why, size_t most = 100'000) {
    for (size_t i = 0; i < most; ++i) {
      if (const auto cut = Send(frame)) {
        EXPECT_EQ(CutName(*cut), CutName(why));
        return i;
      }
    }
    return most;
  }

  SteadyTime now_{};
  FrameGuard guard_{/*calls_max=*/100, now_};
};

TEST_F(FrameGuardTest, EveryReasonHasAWordOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kCutCount; ++i) names.insert(CutName(static_cast<Cut>(i)));
  EXPECT_EQ(names.size(), kCutCount);
  EXPECT_EQ(names.count(""), 0u);
}

TEST_F(FrameGuardTest, BytesMayComeOneByOne) {
  FrameGuard guard(100, now_);
  const std::string bytes = http2::Start() + Call(1, kPath) + Data(1, "message", true);
  for (const char byte : bytes) {
    const FrameGuard::Step step = guard.FromClient({&byte, 1}, now_);
    EXPECT_FALSE(step.cut);
    EXPECT_EQ(step.bytes, 1u);
  }
  EXPECT_TRUE(guard.spoke());
  EXPECT_EQ(guard.open_calls(), 1u);
  guard.FromServer(Frame(1, http2::kEndHeaders | http2::kEndStream, 1, "x"));
  EXPECT_EQ(guard.open_calls(), 0u);
  EXPECT_EQ(guard.calls_begun(), 1u);
}

TEST_F(FrameGuardTest, WhatIsNoHttp2) {
  const auto first = [this](std::string_view bytes) {
    return FrameGuard(100, now_).FromClient(bytes, now_).cut;
  };
  EXPECT_EQ(first("GET / HTTP/1.1\r\n"), Cut::kNotHttp2);
  EXPECT_EQ(first(std::string(http2::kPreface) + http2::Ping()), Cut::kNotHttp2);
  EXPECT_EQ(first(http2::Start() + Call(2, kPath)), Cut::kNotHttp2) << "an even stream";
  EXPECT_EQ(first(http2::Start() + Frame(5, 0, 1, "")), Cut::kNotHttp2) << "a push";
  EXPECT_EQ(first(http2::Start() + Frame(9, 0, 1, "")), Cut::kNotHttp2) << "nothing goes on";
  EXPECT_EQ(first(http2::Start() + Frame(1, 0, 1, "") + http2::Ping()), Cut::kNotHttp2);
  EXPECT_EQ(first(http2::Start() + Frame(1, 0, 1, "") + Frame(9, 0, 3, "")), Cut::kNotHttp2);
}

// A call counts until both sides have ended it, or one has reset it.
TEST_F(FrameGuardTest, CallsAtTheLimitAndOneMore) {
  uint32_t stream = 1;
  for (int i = 0; i < 100; ++i, stream += 2) EXPECT_EQ(Send(Call(stream, kPath)), std::nullopt);
  EXPECT_EQ(guard_.open_calls(), 100u);
  guard_.FromServer(Frame(1, http2::kEndHeaders | http2::kEndStream, 1, ""));
  EXPECT_EQ(guard_.open_calls(), 100u) << "the client has not ended it";
  EXPECT_EQ(Send(Data(1, "", true)), std::nullopt);
  guard_.FromServer(Frame(3, 0, 3, "1234"));
  EXPECT_EQ(Send(Reset(5)), std::nullopt);
  EXPECT_EQ(guard_.open_calls(), 97u);
  for (int i = 0; i < 3; ++i, stream += 2) EXPECT_EQ(Send(Call(stream, kPath)), std::nullopt);
  EXPECT_EQ(Send(Call(stream, kPath)), Cut::kTooManyCalls);
}

// Clients count on 100 calls until they have read the server's settings; one that never
// acknowledges them gets no more for it.
TEST_F(FrameGuardTest, ALowerLimitHoldsFromTheAcknowledgement) {
  FrameGuard guard(/*calls_max=*/2, now_);
  std::string bytes = http2::Start();
  uint32_t stream = 1;
  for (int i = 0; i < 100; ++i, stream += 2) bytes += Call(stream, kPath);
  const auto send = [&](std::string_view left) -> std::optional<Cut> {
    while (!left.empty()) {
      const auto step = guard.FromClient(left, now_);
      if (step.cut) return step.cut;
      left.remove_prefix(step.bytes);
    }
    return std::nullopt;
  };
  EXPECT_EQ(send(bytes), std::nullopt);
  FrameGuard same = guard;
  EXPECT_EQ(same.FromClient(Call(stream, kPath), now_).cut, Cut::kTooManyCalls);
  EXPECT_EQ(send(http2::SettingsAcknowledged() + Reset(1)), std::nullopt);
  FrameGuard then = guard;
  EXPECT_EQ(then.FromClient(Call(stream, kPath), now_).cut, Cut::kTooManyCalls);
  for (uint32_t open = 3; open <= 197; open += 2) EXPECT_EQ(send(Reset(open)), std::nullopt);
  EXPECT_EQ(send(Call(stream, kPath)), std::nullopt);
  EXPECT_EQ(send(Call(stream + 2, kPath)), Cut::kTooManyCalls);
}

TEST_F(FrameGuardTest, ResetsAtTheLimitAndOneMore) {
  uint32_t stream = 1;
  for (uint32_t i = 0; i < limits::kGrpcResetsBurstMax; ++i, stream += 2) {
    ASSERT_EQ(Send(Call(stream, kPath) + Reset(stream)), std::nullopt);
  }
  FrameGuard same = guard_;
  EXPECT_EQ(same.FromClient(Reset(stream), now_).cut, Cut::kTooManyResets);
  now_ += std::chrono::seconds(1);
  for (uint32_t i = 0; i < limits::kGrpcResetsPerSecondMax; ++i, stream += 2) {
    ASSERT_EQ(Send(Call(stream, kPath) + Reset(stream)), std::nullopt);
  }
  EXPECT_EQ(Send(Reset(stream)), Cut::kTooManyResets);
}

TEST_F(FrameGuardTest, ControlFramesAtTheLimitAndOneMore) {
  // The acknowledgement of the beginning and its SETTINGS are two.
  const size_t left = limits::kGrpcControlFramesBurstMax - 2;
  for (const std::string& frame :
       {http2::WindowUpdate(), Frame(2, 0, 1, "12345"), Frame(4, 0, 0, ""), Frame(77, 0, 0, ""),
        Frame(6, http2::kAcknowledge, 0, "12345678"), Data(9, "closed", false)}) {
    FrameGuard begin = guard_;
    size_t passed = 0;
    while (!begin.FromClient(frame, now_).cut) ++passed;
    EXPECT_EQ(passed, left);
  }
  ASSERT_EQ(Send(Call(1, kPath)), std::nullopt);
  EXPECT_EQ(Passes(Data(1, "", false), Cut::kTooManyControlFrames), left) << "empty DATA";
}

TEST_F(FrameGuardTest, PingsAtTheLimitAndOneMore) {
  EXPECT_EQ(Passes(http2::Ping(), Cut::kTooManyPings), limits::kGrpcPingsBurstMax);
}

// A client that reads much updates its windows and measures the way as often as it has to.
TEST_F(FrameGuardTest, AnswersPayForControlFrames) {
  ASSERT_EQ(Send(Call(1, kPath, true)), std::nullopt);
  const std::string answer = Data(1, std::string(16 << 10, 'x'), false);
  for (int i = 0; i < 10'000; ++i) {
    guard_.FromServer(answer);
    ASSERT_EQ(Send(http2::Ping()), std::nullopt);
    for (int update = 0; update < 16; ++update) {
      ASSERT_EQ(Send(http2::WindowUpdate()), std::nullopt);
    }
  }
  // What answers a ping pays for none.
  for (int i = 0; i < 10'000; ++i) guard_.FromServer(Frame(6, http2::kAcknowledge, 0, "12345678"));
  EXPECT_EQ(Passes(http2::Ping(), Cut::kTooManyPings), limits::kGrpcPingsBurstMax - 1);
}

TEST_F(FrameGuardTest, AHeaderBlockAtTheLimitAndOneMore) {
  const std::string half(limits::kGrpcHeaderBlockBytesMax / 2, 'h');
  EXPECT_EQ(Send(Frame(1, 0, 1, half) + Frame(9, http2::kEndHeaders, 1, half)), std::nullopt);
  EXPECT_EQ(Send(Frame(1, 0, 3, half) + Frame(9, 0, 3, half)), std::nullopt);
  EXPECT_EQ(Send(Frame(9, 0, 3, "h")), Cut::kHeaderBlockTooLarge);
  const std::string whole(limits::kGrpcHeaderBlockBytesMax, 'h');
  FrameGuard guard(100, now_);
  EXPECT_EQ(guard.FromClient(http2::Start() + Frame(4, 0, 0, whole), now_).cut, std::nullopt);
  EXPECT_EQ(guard.FromClient(Frame(4, 0, 0, whole + "h"), now_).cut, Cut::kFrameTooLarge);
}

TEST_F(FrameGuardTest, UnfinishedRequestsAtTheLimitAndOneMore) {
  const std::string message(limits::kGrpcUnfinishedBytesPerConnectionMax / 2, 'm');
  EXPECT_EQ(Send(Call(1, kPath) + Data(1, message, false)), std::nullopt);
  EXPECT_EQ(Send(Call(3, kPath) + Data(3, message, false)), std::nullopt);
  EXPECT_EQ(guard_.unfinished_bytes(), limits::kGrpcUnfinishedBytesPerConnectionMax);
  EXPECT_EQ(Send(Data(3, "", true)), std::nullopt) << "it has ended";
  EXPECT_EQ(guard_.unfinished_bytes(), message.size());
  EXPECT_EQ(Send(Reset(1)), std::nullopt);
  EXPECT_EQ(guard_.unfinished_bytes(), 0u);
  EXPECT_EQ(Send(Call(5, kPath) + Data(5, message, false) + Data(5, message, false)), std::nullopt);
  EXPECT_EQ(Send(Data(5, std::string(256, 'm'), false)), Cut::kUnfinishedRequests);
}

// Calls are handed on in small numbers, so that those of others come between.
TEST_F(FrameGuardTest, AStepHoldsFewCalls) {
  std::string calls;
  for (uint32_t i = 0; i < 40; ++i) calls += Call(2 * i + 1, kPath);
  const auto step = guard_.FromClient(calls, now_);
  EXPECT_EQ(step.calls, limits::kGrpcCallsAtOnce);
  EXPECT_LT(step.bytes, calls.size());
}

}  // namespace
}  // namespace hookbridge
