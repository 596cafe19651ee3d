#include "server/delivery/cursor_read.h"

#include "server/base/limits.h"
#include "tests/support/delivery_fixture.h"

#include "google/protobuf/util/time_util.h"

#include "gmock/gmock.h"

#include <map>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using v1::SubscribeResponse;

class CursorReadTest : public DeliveryFixture {
 protected:
  // From here on everything is read from the journal.
  void DropCache() { log_.DropCacheForTest(); }
};

TEST_F(CursorReadTest, ReadsFromTheOldestToTheHeadAndOn) {
  AppendTypes({"a", "b"});
  const Ran first = RunOf(Earliest());
  ASSERT_EQ(first.messages.size(), 3u);
  EXPECT_EQ(first.messages[0].started().stream_id(), "stream");
  EXPECT_EQ(first.messages[0].started().server_instance(), "test");
  EXPECT_EQ(first.messages[0].started().heartbeat_interval().seconds(), 15);
  EXPECT_THAT(first.types(), ElementsAre("a", "b"));
  EXPECT_EQ(first.messages[2].caught_up().cursor(), first.deliveries()[1].cursor());
  EXPECT_FALSE(first.end.has_value());

  AppendTypes({"c"});
  const Ran later = Run();
  EXPECT_THAT(later.types(), ElementsAre("c"));
  EXPECT_EQ(later.count(SubscribeResponse::kCaughtUp), 1u) << "each time after it was behind";
}

TEST_F(CursorReadTest, StartsAtTheHeadUnlessAsked) {
  AppendTypes({"old"});
  v1::SubscribeRequest request;
  request.mutable_cursor_read();
  EXPECT_THAT(RunOf(request).types(), ElementsAre());
  AppendTypes({"new"});
  EXPECT_THAT(Run().types(), ElementsAre("new"));
}

TEST_F(CursorReadTest, ResumesAfterEveryCursor) {
  AppendTypes({"a", "b", "c", "d"});
  const Ran all = RunOf(Earliest());
  v1::SubscribeRequest request;
  request.mutable_cursor_read()->set_after_cursor(all.messages[0].started().cursor());
  EXPECT_THAT(RunOf(request).types(), ElementsAre("a", "b", "c", "d"));
  request.mutable_cursor_read()->set_after_cursor(all.deliveries()[1].cursor());
  EXPECT_THAT(RunOf(request).types(), ElementsAre("c", "d"));
  request.mutable_cursor_read()->set_after_cursor(all.deliveries()[3].cursor());
  EXPECT_THAT(RunOf(request).types(), ElementsAre());
}

TEST_F(CursorReadTest, StartsAndStopsAtTimes) {
  const absl::Time begin = clock_.Now();
  AppendTypes({"0", "1", "2", "3"});
  v1::SubscribeRequest request;
  v1::CursorRead& read = *request.mutable_cursor_read();
  read.mutable_start_time()->set_seconds(absl::ToUnixSeconds(begin) + 1);
  read.mutable_stop_time()->set_seconds(absl::ToUnixSeconds(begin) + 3);
  const Ran ran = RunOf(request);
  EXPECT_THAT(ran.types(), ElementsAre("1", "2"));
  ASSERT_TRUE(ran.end.has_value());
  EXPECT_TRUE(ran.end->ok());
  read.mutable_start_time()->set_seconds(0);
  read.clear_stop();
  EXPECT_EQ(RunOf(request).types().size(), 4u);
}

TEST_F(CursorReadTest, AStopTimeToComeEndsWhenItHasCome) {
  AppendTypes({"a"});
  v1::SubscribeRequest request = Earliest();
  request.mutable_cursor_read()->mutable_stop_time()->set_seconds(
      absl::ToUnixSeconds(clock_.Now()) + 10);
  EXPECT_FALSE(RunOf(request).end.has_value());
  clock_.Advance(absl::Seconds(10));
  const Ran ran = Run();
  ASSERT_TRUE(ran.end.has_value());
  EXPECT_TRUE(ran.end->ok());
}

TEST_F(CursorReadTest, StopsAtTheHeadAsItWasAtTheStart) {
  AppendTypes({"a", "b"});
  v1::SubscribeRequest request = Earliest();
  request.mutable_cursor_read()->set_stop_at_end(true);
  ASSERT_TRUE(Open(request).ok());
  EXPECT_TRUE(Parse(std::get<WriteStep>(read_->Next(ReadClock(clock_))).message).has_started());
  AppendTypes({"late"});
  const Ran ran = Run();
  EXPECT_THAT(ran.types(), ElementsAre("a", "b"));
  ASSERT_TRUE(ran.end && ran.end->ok());
}

TEST_F(CursorReadTest, StopAtEndOfAnEmptyJournalEndsAtOnce) {
  v1::SubscribeRequest request = Earliest();
  request.mutable_cursor_read()->set_stop_at_end(true);
  const Ran ran = RunOf(request);
  ASSERT_TRUE(ran.end && ran.end->ok());
  EXPECT_EQ(ran.messages.size(), 1u);
}

TEST_F(CursorReadTest, StopsAfterSoManyEventsAndGoesOnFromTheCursor) {
  AppendTypes({"a", "x", "b", "c"});
  v1::SubscribeRequest request = Earliest();
  v1::CursorRead& read = *request.mutable_cursor_read();
  read.set_stop_after_events(2);
  read.mutable_filter()->add_any_of()->add_types("a");
  read.mutable_filter()->add_any_of()->add_types("b");
  read.mutable_filter()->add_any_of()->add_types("c");
  const Ran first = RunOf(request);
  EXPECT_THAT(first.types(), ElementsAre("a", "b"));
  ASSERT_TRUE(first.end && first.end->ok());
  read.set_after_cursor(first.deliveries()[1].cursor());
  AppendTypes({"a"});
  EXPECT_THAT(RunOf(request).types(), ElementsAre("c", "a"));
}

TEST_F(CursorReadTest, CursorsMovePastWhatTheFilterLeavesOut) {
  for (int i = 0; i < 3'000; ++i) Append({.type = "noise"});
  v1::SubscribeRequest request = Earliest();
  request.mutable_cursor_read()->mutable_filter()->add_any_of()->add_types("signal");
  request.mutable_heartbeat_interval()->set_seconds(1);
  const Ran ran = RunOf(request);
  EXPECT_TRUE(ran.deliveries().empty());
  const auto cursor = OpenCursor(ran.messages.back().caught_up().cursor());
  ASSERT_TRUE(cursor.has_value());
  EXPECT_EQ(cursor->position, 3'000u);
}

TEST_F(CursorReadTest, AViewIsAChoiceOfParts) {
  Append({.type = "a", .body_bytes = 2'000});
  const auto event = [&](v1::PayloadView view) {
    v1::SubscribeRequest request = Earliest();
    request.set_payload_view(view);
    return RunOf(request).deliveries().at(0).event();
  };
  const auto metadata = event(v1::PAYLOAD_VIEW_METADATA);
  EXPECT_EQ(metadata.type(), "a");
  EXPECT_EQ(metadata.sequence(), 1u);
  EXPECT_EQ(metadata.id().size(), 36u);
  EXPECT_TRUE(metadata.has_append_time());
  EXPECT_EQ(metadata.data_case(), v1::Event::DATA_NOT_SET);
  EXPECT_FALSE(metadata.has_raw());
  EXPECT_EQ(event(v1::PAYLOAD_VIEW_UNSPECIFIED).text().size(), 2'000u);
  EXPECT_FALSE(event(v1::PAYLOAD_VIEW_DATA).has_raw());
  EXPECT_EQ(event(v1::PAYLOAD_VIEW_RAW).raw().body().size(), 2'000u);
  EXPECT_EQ(event(v1::PAYLOAD_VIEW_RAW).data_case(), v1::Event::DATA_NOT_SET);
  const auto full = event(v1::PAYLOAD_VIEW_FULL);
  EXPECT_TRUE(full.has_raw() && full.data_case() == v1::Event::kText);
}

TEST_F(CursorReadTest, BatchesEndAtTheirLimits) {
  for (int i = 0; i < 130; ++i) Append({.type = StrCat(i)});
  v1::SubscribeRequest request = Earliest();
  const auto sizes = [&] {
    std::vector<int> all;
    for (const auto& message : RunOf(request).messages) {
      if (message.has_batch()) all.push_back(message.batch().deliveries_size());
    }
    return all;
  };
  EXPECT_THAT(sizes(), ElementsAre(64, 64, 2));
  request.set_max_batch_events(100);
  EXPECT_THAT(sizes(), ElementsAre(100, 30));
  request.set_max_batch_events(1);
  EXPECT_EQ(sizes().size(), 130u);
}

TEST_F(CursorReadTest, ABatchIsCutAtOneMebibyteAndALargerEventTravelsAlone) {
  for (const size_t bytes : {200'000u, 200'000u, 200'000u, 2'000'000u, 10u})
    Append({.body_bytes = bytes});
  std::vector<int> sizes;
  for (const auto& message : RunOf(Earliest()).messages) {
    if (message.has_batch()) sizes.push_back(message.batch().deliveries_size());
  }
  EXPECT_THAT(sizes, ElementsAre(2, 1, 1, 1));
}

TEST_F(CursorReadTest, WhatIsTooLargeComesWithoutItsPayload) {
  Append({.type = "a", .body_bytes = 5'000});
  v1::SubscribeRequest request = Earliest();
  const Ran whole = RunOf(request);
  const size_t bytes = whole.deliveries()[0].event().ByteSizeLong();
  request.set_max_event_bytes(static_cast<uint32_t>(bytes));
  EXPECT_FALSE(RunOf(request).deliveries()[0].payload_omitted()) << "at the limit";
  request.set_max_event_bytes(static_cast<uint32_t>(bytes) - 1);
  const Ran cut = RunOf(request);
  EXPECT_TRUE(cut.deliveries()[0].payload_omitted());
  EXPECT_EQ(cut.deliveries()[0].event().type(), "a");
  EXPECT_EQ(cut.deliveries()[0].event().data_case(), v1::Event::DATA_NOT_SET);
}

TEST_F(CursorReadTest, AnIdleStreamShowsItLivesAndHowFarItIs) {
  AppendTypes({"a"});
  v1::SubscribeRequest request = Earliest();
  request.mutable_heartbeat_interval()->set_seconds(5);
  EXPECT_EQ(RunOf(request).messages[0].started().heartbeat_interval().seconds(), 5);
  clock_.Advance(absl::Seconds(4));
  EXPECT_TRUE(Run().messages.empty());
  clock_.Advance(absl::Seconds(1));
  const Ran ran = Run();
  ASSERT_EQ(ran.messages.size(), 1u);
  const v1::Heartbeat& heartbeat = ran.messages[0].heartbeat();
  EXPECT_EQ(heartbeat.cursor(), heartbeat.head_cursor());
  EXPECT_EQ(heartbeat.backlog_events(), 0u);
  EXPECT_EQ(heartbeat.server_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(heartbeat.backlog_age().seconds(), 0);
}

// Intervals are time that passes, whatever the wall clock is set to; what is said of time follows
// it.
TEST_F(CursorReadTest, ASetClockNeitherSilencesNorHurriesAStream) {
  AppendTypes({"a"});
  v1::SubscribeRequest request = Earliest();
  request.mutable_heartbeat_interval()->set_seconds(5);
  end_of_life_ = clock_.Steady() + absl::Minutes(1);
  ASSERT_FALSE(RunOf(request).end.has_value());
  for (const absl::Duration step : {-absl::Hours(2), absl::Hours(5)}) {
    clock_.Step(step);
    clock_.Advance(absl::Seconds(4));
    EXPECT_TRUE(Run().messages.empty()) << step;
    clock_.Advance(absl::Seconds(1));
    const Ran ran = Run();
    ASSERT_EQ(ran.count(SubscribeResponse::kHeartbeat), 1u) << step;
    EXPECT_FALSE(ran.end.has_value()) << step;
    EXPECT_EQ(ran.messages[0].heartbeat().server_time().seconds(),
              absl::ToUnixSeconds(clock_.Now()));
  }
  clock_.Step(-absl::Hours(9));
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Run().messages.back().ending().reason(), v1::ENDING_REASON_MAX_AGE);
}

// A read that ends at a time ends when the wall clock is there, also when it is set there.
TEST_F(CursorReadTest, AStopTimeFollowsTheWallClock) {
  v1::SubscribeRequest request = Earliest();
  *request.mutable_cursor_read()->mutable_stop_time() =
      google::protobuf::util::TimeUtil::SecondsToTimestamp(
          absl::ToUnixSeconds(clock_.Now() + absl::Hours(1)));
  ASSERT_FALSE(RunOf(request).end.has_value());
  const ReadStep step = read_->Next(ReadClock(clock_));
  EXPECT_LE(std::get<WaitStep>(step).until - clock_.Steady(), absl::Seconds(1)) << "looks again";
  clock_.Step(absl::Hours(1));
  const Ran ran = Run();
  ASSERT_TRUE(ran.end.has_value());
  EXPECT_TRUE(ran.end->ok());
}

TEST_F(CursorReadTest, HeartbeatIntervalsAreClamped) {
  const auto interval = [&](int64_t seconds) {
    v1::SubscribeRequest request = Earliest();
    request.mutable_heartbeat_interval()->set_seconds(seconds);
    return RunOf(request).messages[0].started().heartbeat_interval().seconds();
  };
  EXPECT_EQ(interval(0), 15);
  EXPECT_EQ(interval(-5), 15);
  EXPECT_EQ(interval(1), 1);
  EXPECT_EQ(interval(3'600), 60);
}

TEST_F(CursorReadTest, ACursorOlderThanRetentionIsAnErrorWithTheOldest) {
  AppendTypes({"a", "b", "c", "d"});
  const std::string old = RunOf(Earliest()).deliveries()[0].cursor();
  ASSERT_TRUE(journal_->Trim(3).ok());
  v1::SubscribeRequest request;
  request.mutable_cursor_read()->set_after_cursor(old);
  const Ran refused = RunOf(request);
  ASSERT_TRUE(refused.end.has_value());
  EXPECT_TRUE(refused.messages.empty());
  EXPECT_EQ(refused.end->code, absl::StatusCode::kOutOfRange);
  EXPECT_EQ(refused.end->reason, "CURSOR_EXPIRED");
  ASSERT_EQ(refused.end->metadata.size(), 2u);
  request.mutable_cursor_read()->set_after_cursor(refused.end->metadata[0].second);
  EXPECT_THAT(RunOf(request).types(), ElementsAre("d")) << "the oldest cursor works";
}

TEST_F(CursorReadTest, SkipExpiredShowsTheGapAndReadsOn) {
  AppendTypes({"a", "b", "c", "d"});
  const std::string old = RunOf(Earliest()).deliveries()[0].cursor();
  ASSERT_TRUE(journal_->Trim(3).ok());
  DropCache();
  v1::SubscribeRequest request;
  request.mutable_cursor_read()->set_after_cursor(old);
  request.mutable_cursor_read()->set_skip_expired(true);
  const Ran ran = RunOf(request);
  ASSERT_GE(ran.messages.size(), 3u);
  EXPECT_EQ(ran.messages[1].gap().from_cursor(), old);
  EXPECT_EQ(OpenCursor(ran.messages[1].gap().to_cursor())->position, 3u);
  EXPECT_THAT(ran.types(), ElementsAre("d"));
}

TEST_F(CursorReadTest, RetentionThatOvertakesEndsTheReadWithNotice) {
  AppendTypes({"a", "b", "c", "d"});
  v1::SubscribeRequest request = Earliest();
  ASSERT_TRUE(Open(request).ok());
  EXPECT_TRUE(Parse(std::get<WriteStep>(read_->Next(ReadClock(clock_))).message).has_started());
  ASSERT_TRUE(journal_->Trim(2).ok());
  DropCache();
  const Ran ran = Run();
  ASSERT_EQ(ran.messages.size(), 1u);
  EXPECT_EQ(ran.messages[0].ending().reason(), v1::ENDING_REASON_FELL_BEHIND);
  ASSERT_TRUE(ran.end.has_value());
  EXPECT_EQ(ran.end->reason, "CURSOR_EXPIRED");
}

TEST_F(CursorReadTest, ForeignAndMalformedCursorsAreRefused) {
  AppendTypes({"a"});
  v1::SubscribeRequest request;
  v1::CursorRead& read = *request.mutable_cursor_read();
  read.set_after_cursor(SealCursor({.journal = {9}, .partition = 0, .position = 1}));
  Ran ran = RunOf(request);
  EXPECT_EQ(ran.end->reason, "CURSOR_FOREIGN");
  EXPECT_EQ(ran.end->code, absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ran.end->metadata.at(0).first, "earliest_cursor");
  read.set_after_cursor(
      SealCursor({.journal = journal_->Info().id, .partition = 0, .position = 2}));
  ran = RunOf(request);
  EXPECT_EQ(ran.end->reason, "CURSOR_FOREIGN") << "beyond the head";
  read.set_after_cursor("AAAA");
  EXPECT_EQ(Open(request).reason, "CURSOR_MALFORMED");
}

// Damage ends a read with where it is and where to go on; a retry is of no use.
TEST_F(CursorReadTest, LostEventsEndTheReadAndSayWhere) {
  AppendTypes({"a", "b", "c", "d", "e"});
  DropCache();
  store_->DamageForTest(3, 4);
  const Ran ran = RunOf(Earliest());
  EXPECT_THAT(ran.types(), ElementsAre("a", "b"));
  EXPECT_EQ(ran.messages.back().ending().reason(), v1::ENDING_REASON_EVENTS_LOST);
  EXPECT_EQ(OpenCursor(ran.messages.back().ending().cursor())->position, 2u);
  ASSERT_TRUE(ran.end.has_value());
  EXPECT_EQ(ran.end->code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(ran.end->reason, "EVENTS_LOST");
  EXPECT_FALSE(ran.end->retry_delay.has_value());
  std::map<std::string, std::string> metadata(ran.end->metadata.begin(), ran.end->metadata.end());
  EXPECT_EQ(metadata["first_lost"], "3");
  EXPECT_EQ(metadata["last_lost"], "4");
  v1::SubscribeRequest request;
  request.mutable_cursor_read()->set_after_cursor(metadata["resume_cursor"]);
  EXPECT_THAT(RunOf(request).types(), ElementsAre("e"));
}

// Asked to, a read passes damage with a Gap, as it passes what retention removed.
TEST_F(CursorReadTest, SkipExpiredPassesLostEventsWithAGap) {
  AppendTypes({"a", "b", "c", "d", "e"});
  DropCache();
  store_->DamageForTest(3, 4);
  v1::SubscribeRequest request = Earliest();
  request.mutable_cursor_read()->set_skip_expired(true);
  const Ran ran = RunOf(request);
  EXPECT_THAT(ran.types(), ElementsAre("a", "b", "e"));
  ASSERT_EQ(ran.count(SubscribeResponse::kGap), 1u);
  for (const SubscribeResponse& message : ran.messages) {
    if (!message.has_gap()) continue;
    EXPECT_EQ(OpenCursor(message.gap().from_cursor())->position, 2u);
    EXPECT_EQ(OpenCursor(message.gap().to_cursor())->position, 4u);
    EXPECT_EQ(message.gap().reason(), v1::GAP_REASON_LOST);
  }
}

TEST_F(CursorReadTest, DrainingAndOldAgeSayWhereToResume) {
  AppendTypes({"a"});
  ASSERT_EQ(RunOf(Earliest()).types().size(), 1u);
  read_->Drain();
  Ran ran = Run();
  ASSERT_EQ(ran.messages.size(), 1u);
  EXPECT_EQ(ran.messages[0].ending().reason(), v1::ENDING_REASON_DRAINING);
  EXPECT_EQ(OpenCursor(ran.messages[0].ending().cursor())->position, 1u);
  EXPECT_EQ(ran.end->code, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(ran.end->retry_delay.has_value());

  end_of_life_ = clock_.Steady() + absl::Minutes(1);
  ASSERT_FALSE(RunOf(Earliest()).end.has_value());
  clock_.Advance(absl::Minutes(1));
  ran = Run();
  EXPECT_EQ(ran.messages.back().ending().reason(), v1::ENDING_REASON_MAX_AGE);
  EXPECT_EQ(ran.end->code, absl::StatusCode::kUnavailable);
}

TEST_F(CursorReadTest, ASupersededReadSaysSoAndNamesNoWait) {
  AppendTypes({"a"});
  v1::SubscribeRequest request = Earliest();
  request.set_client_id("billing-0");
  ASSERT_EQ(RunOf(request).types().size(), 1u);
  read_->Supersede();
  read_->Drain();
  const Ran ran = Run();
  ASSERT_EQ(ran.messages.size(), 1u);
  EXPECT_EQ(ran.messages[0].ending().reason(), v1::ENDING_REASON_SUPERSEDED);
  EXPECT_EQ(OpenCursor(ran.messages[0].ending().cursor())->position, 1u);
  EXPECT_FALSE(ran.messages[0].ending().has_reconnect_delay());
  EXPECT_EQ(ran.end->code, absl::StatusCode::kAborted);
  EXPECT_EQ(ran.end->reason, "SUPERSEDED");
  EXPECT_THAT(ran.end->message, testing::HasSubstr("billing-0"));

  ASSERT_TRUE(Open(request).ok());
  read_->Supersede();
  EXPECT_EQ(Run().end->reason, "SUPERSEDED") << "before it began";
}

TEST_F(CursorReadTest, AJournalThatCannotBeReadEndsTheStreamAndLosesNothing) {
  AppendTypes({"a"});
  ASSERT_TRUE(Open(Earliest()).ok());
  EXPECT_TRUE(Parse(std::get<WriteStep>(read_->Next(ReadClock(clock_))).message).has_started());
  DropCache();
  journal_->Close();
  const Ran ran = Run();
  EXPECT_EQ(ran.messages.back().ending().reason(), v1::ENDING_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(OpenCursor(ran.messages.back().ending().cursor())->position, 0u);
  EXPECT_EQ(ran.end->reason, "STORE_UNAVAILABLE");
}

TEST_F(CursorReadTest, BadRequestsNameTheField) {
  const auto field = [&](auto change) {
    v1::SubscribeRequest request = Earliest();
    change(request);
    const RichError error = Open(request);
    EXPECT_EQ(error.code, absl::StatusCode::kInvalidArgument);
    return error.field_violations.empty() ? std::string() : error.field_violations[0].first;
  };
  EXPECT_EQ(field([](auto& r) { r.set_max_outstanding_events(1); }), "max_outstanding_events");
  EXPECT_EQ(field([](auto& r) { r.set_max_outstanding_bytes(1); }), "max_outstanding_bytes");
  EXPECT_EQ(field([](auto& r) { r.set_max_batch_events(limits::kBatchEventsMax + 1); }),
            "max_batch_events");
  EXPECT_EQ(field([](auto& r) { r.set_max_event_bytes(limits::kEventBytesMax + 1); }),
            "max_event_bytes");
  EXPECT_EQ(field([](auto& r) { r.mutable_cursor_read()->set_stop_after_events(0); }),
            "cursor_read.stop_after_events");
  EXPECT_EQ(
      field([](auto& r) { r.set_client_id(std::string(limits::kClientIdBytesMax + 1, 'c')); }),
      "client_id");
  v1::SubscribeRequest at_limit = Earliest();
  at_limit.set_max_batch_events(limits::kBatchEventsMax);
  at_limit.set_max_event_bytes(limits::kEventBytesMax);
  at_limit.set_client_id(std::string(limits::kClientIdBytesMax, 'c'));
  EXPECT_TRUE(Open(at_limit).ok());
}

}  // namespace
}  // namespace hookbridge
