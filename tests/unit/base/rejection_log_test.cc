#include "server/base/rejection_log.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

RejectedRequest Of(const std::string& source, Reason reason, const std::string& detail) {
  RejectedRequest rejected;
  rejected.source = source;
  rejected.reason = reason;
  rejected.detail = detail;
  return rejected;
}

TEST(RejectionLogTest, NewestFirstOfOneSourceOrReason) {
  RejectionLog log;
  log.Add(Of("a", Reason::kTimestampStale, "1"));
  log.Add(Of("b", Reason::kTimestampStale, "2"));
  log.Add(Of("a", Reason::kSignatureMismatch, "3"));
  const auto details = [&](size_t count, std::string_view source, std::string_view reason) {
    std::string text;
    for (const RejectedRequest& rejected : log.Newest(count, source, reason))
      text += rejected.detail;
    return text;
  };
  EXPECT_EQ(details(10, "", ""), "321");
  EXPECT_EQ(details(2, "", ""), "32");
  EXPECT_EQ(details(10, "a", ""), "31");
  EXPECT_EQ(details(10, "", "timestamp_stale"), "21");
  EXPECT_EQ(details(10, "b", "signature_mismatch"), "");
}

TEST(RejectionLogTest, KeepsAtMostItsLimit) {
  RejectionLog log;
  for (size_t i = 0; i <= limits::kRejectionsMax; ++i)
    log.Add(Of("a", Reason::kTimeout, std::to_string(i)));
  const auto all = log.Newest(SIZE_MAX, "", "");
  EXPECT_EQ(all.size(), limits::kRejectionsMax);
  EXPECT_EQ(all.back().detail, "1") << "the oldest went";
}

// Of unknown sources a sender has as many as it likes: they count as one.
TEST(RejectionLogTest, AFloodLeavesTheOthers) {
  RejectionLog log;
  log.Add(Of("quiet", Reason::kSignatureMismatch, "first"));
  for (size_t i = 0; i < 2 * limits::kRejectionsMax; ++i) {
    log.Add(Of("loud", Reason::kTimeout, ""));
    RejectedRequest unknown = Of(std::to_string(i), Reason::kUnknownSource, "");
    unknown.source_is_unknown = true;
    log.Add(std::move(unknown));
  }
  EXPECT_EQ(log.Newest(SIZE_MAX, "", "").size(), limits::kRejectionsMax);
  ASSERT_EQ(log.Newest(SIZE_MAX, "quiet", "").size(), 1u);
  EXPECT_EQ(log.Newest(SIZE_MAX, "loud", "").size(), limits::kRejectionsMax / 2);
}

TEST(RejectionLogTest, HeaderNamesAreBounded) {
  RejectionLog log;
  RejectedRequest rejected = Of("a", Reason::kTimeout, "");
  rejected.header_names.assign(limits::kRejectionHeadersMax + 1, std::string(1'000, 'x'));
  log.Add(std::move(rejected));
  const auto kept = log.Newest(1, "", "").front();
  EXPECT_EQ(kept.header_names.size(), limits::kRejectionHeadersMax);
  EXPECT_EQ(kept.header_names[0].size(), limits::kNameBytesMax);
}

}  // namespace
}  // namespace hookbridge
