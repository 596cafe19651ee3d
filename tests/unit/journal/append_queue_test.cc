#include "server/journal/append_queue.h"

#include "server/base/strings.h"
#include "tests/support/append_helper.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

constexpr uint64_t kNoLimit = UINT64_MAX;

AppendRequest RequestOf(const std::string& source, size_t bytes = 1) {
  AppendRequest request = Appender::One("k", std::string(bytes, 'x'));
  request.events[0].event->runs.envelope.clear();
  request.source = source;
  return request;
}

// The queue holds exactly its limit of events, and one source exactly half.
TEST(AppendQueueTest, EventsAtTheLimitAndOneMore) {
  AppendQueue queue({.events_max = 4, .bytes_max = 1000});
  for (const char* const source : {"a", "a", "b", "b"}) {
    AppendRequest request = RequestOf(source);
    EXPECT_TRUE(queue.Push(request).ok()) << source;
  }
  AppendRequest fifth = RequestOf("c");
  EXPECT_TRUE(absl::IsResourceExhausted(queue.Push(fifth)));
  EXPECT_TRUE(absl::IsResourceExhausted(queue.CanPush("c")));
  EXPECT_EQ(queue.PopGroup(100, kNoLimit, absl::ZeroDuration()).size(), 4u);
  EXPECT_TRUE(queue.CanPush("c").ok());
}

// One source's flood leaves room for another.
TEST(AppendQueueTest, OneSourceHasHalf) {
  AppendQueue queue({.events_max = 4, .bytes_max = 1000});
  AppendRequest first = RequestOf("a");
  AppendRequest second = RequestOf("a");
  AppendRequest third = RequestOf("a");
  EXPECT_TRUE(queue.Push(first).ok());
  EXPECT_TRUE(queue.Push(second).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(queue.Push(third)));
  EXPECT_TRUE(queue.CanPush("b").ok());
}

// Bytes at the limit of a source, and one more.
TEST(AppendQueueTest, BytesAtTheLimitAndOneMore) {
  AppendQueue queue({.events_max = 100, .bytes_max = 20});
  AppendRequest fits = RequestOf("a", 10);
  AppendRequest one_more = RequestOf("a", 1);
  AppendRequest large = RequestOf("b", 11);
  EXPECT_TRUE(queue.Push(fits).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(queue.Push(one_more)));
  EXPECT_TRUE(absl::IsResourceExhausted(queue.Push(large)));
}

// A group is cut between requests; what is left keeps its count.
TEST(AppendQueueTest, GroupsAreCutBetweenRequests) {
  AppendQueue queue({.events_max = 8, .bytes_max = 1000});
  for (const char* const source : {"a", "b", "c"}) {
    AppendRequest request = RequestOf(source);
    ASSERT_TRUE(queue.Push(request).ok());
  }
  EXPECT_EQ(queue.PopGroup(2, kNoLimit, absl::ZeroDuration()).size(), 2u);
  EXPECT_EQ(queue.PopGroup(2, kNoLimit, absl::ZeroDuration()).size(), 1u);
  EXPECT_TRUE(queue.PopGroup(2, kNoLimit, absl::ZeroDuration()).empty());
}

// A group's bytes at the limit and one more; a request beyond the limit goes alone.
TEST(AppendQueueTest, GroupsAreCutByBytes) {
  AppendQueue queue({.events_max = 100, .bytes_max = 1000});
  for (const size_t bytes : {10u, 10u, 1u, 50u}) {
    AppendRequest request = RequestOf("a", bytes);
    ASSERT_TRUE(queue.Push(request).ok());
  }
  EXPECT_EQ(queue.PopGroup(100, 20, absl::ZeroDuration()).size(), 2u);
  EXPECT_EQ(queue.PopGroup(100, 20, absl::ZeroDuration()).size(), 1u);
  EXPECT_EQ(queue.PopGroup(100, 20, absl::ZeroDuration()).size(), 1u);
}

// What a flood of one source has waiting does not stand before another's event.
TEST(AppendQueueTest, SourcesShareAGroupByBytes) {
  AppendQueue queue({.events_max = 100, .bytes_max = 10'000});
  for (int i = 0; i < 40; ++i) {
    AppendRequest request = RequestOf("flood", 100);
    ASSERT_TRUE(queue.Push(request).ok());
  }
  EXPECT_EQ(queue.PopGroup(100, 200, absl::ZeroDuration()).size(), 2u);
  for (int i = 0; i < 3; ++i) {
    AppendRequest request = RequestOf("calm", 10);
    request.events.front().body_crc = static_cast<uint32_t>(i);
    ASSERT_TRUE(queue.Push(request).ok());
  }
  std::vector<uint32_t> calm;
  for (const AppendRequest& request : queue.PopGroup(100, 200, absl::ZeroDuration())) {
    if (request.source == "calm") calm.push_back(request.events.front().body_crc);
  }
  EXPECT_EQ(calm, (std::vector<uint32_t>{0, 1, 2})) << "all of it, in its order";
}

// After Close nothing enters and what waits still leaves.
TEST(AppendQueueTest, CloseDrains) {
  AppendQueue queue({.events_max = 8, .bytes_max = 1000});
  AppendRequest before = RequestOf("a");
  AppendRequest after = RequestOf("a");
  ASSERT_TRUE(queue.Push(before).ok());
  queue.Close();
  EXPECT_TRUE(absl::IsUnavailable(queue.Push(after)));
  EXPECT_EQ(queue.PopGroup(8, kNoLimit, absl::InfiniteDuration()).size(), 1u);
  EXPECT_TRUE(queue.PopGroup(8, kNoLimit, absl::InfiniteDuration()).empty());
}

}  // namespace
}  // namespace hookbridge
