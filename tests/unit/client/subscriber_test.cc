#include "client/cpp/subscriber.h"

#include "client/cpp/error.h"
#include "tests/unit/client/fake_delivery_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace hookbridge {
namespace {

using testing::Batch;
using testing::Ending;
using testing::ErrorWithReason;
using testing::FakeDeliveryService;
using testing::Heartbeat;
using testing::Started;
using Writer = FakeDeliveryService::Writer;
using ::testing::ElementsAre;

const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "going away");

// Writes the messages, then ends with the status.
FakeDeliveryService::Script Send(std::vector<v1::SubscribeResponse> messages, grpc::Status status) {
  return [=](grpc::ServerContext&, Writer& writer) {
    for (const v1::SubscribeResponse& message : messages) writer.Write(message);
    return status;
  };
}

// Writes the messages, then holds the stream open until the client goes.
FakeDeliveryService::Script Hold(std::vector<v1::SubscribeResponse> messages) {
  return [=](grpc::ServerContext& context, Writer& writer) {
    for (const v1::SubscribeResponse& message : messages) writer.Write(message);
    while (!context.IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  };
}

class SubscriberTest : public ::testing::Test {
 protected:
  SubscriberTest() {
    options_.connection.target = service_.target();
    options_.read.set_preset(v1::START_PRESET_EARLIEST);
    options_.backoff = {.initial = absl::Milliseconds(1), .max = absl::Milliseconds(50)};
    handlers_.on_event = [this](const v1::Delivery& delivery) {
      log_.push_back(delivery.event().type());
      return delivery.event().type() == last_ ? Verdict::kStop : Verdict::kContinue;
    };
    handlers_.save_cursor = [this](const std::string& cursor) {
      log_.push_back("save " + cursor);
      return absl::OkStatus();
    };
    handlers_.on_disconnect = [this](const absl::Status& status, absl::Duration wait) {
      disconnects_.push_back(status);
      waits_.push_back(wait);
      return true;
    };
  }

  absl::Status Run() {
    auto subscriber = Subscriber::Create(options_, handlers_);
    if (!subscriber.ok()) return subscriber.status();
    subscriber_ = *std::move(subscriber);
    return subscriber_->Run();
  }

  FakeDeliveryService service_;
  SubscriberOptions options_;
  SubscriberHandlers handlers_;
  std::unique_ptr<Subscriber> subscriber_;
  std::string last_;
  std::vector<std::string> log_;
  std::vector<absl::Status> disconnects_;
  std::vector<absl::Duration> waits_;
};

// A lost stream goes on after the last handled event, neither earlier nor later, and cursors are
// kept only after the events before them were handled.
TEST_F(SubscriberTest, ResumesAfterTheLastHandledEvent) {
  service_.Play(Send({Started("start"), Batch({"a", "b"})}, kUnavailable));
  service_.Play(Send({Started("b"), Batch({"c"})}, grpc::Status::OK));
  last_ = "c";
  EXPECT_TRUE(Run().ok());
  EXPECT_THAT(log_, ElementsAre("a", "b", "save b", "c", "save c"));
  ASSERT_EQ(service_.requests().size(), 2u);
  EXPECT_EQ(service_.requests()[0].cursor_read().preset(), v1::START_PRESET_EARLIEST);
  EXPECT_EQ(service_.requests()[1].cursor_read().after_cursor(), "b");
}

// A stream that breaks before its first event resumes where it began: LATEST must not move.
TEST_F(SubscriberTest, ResumesAtTheStartBeforeTheFirstEvent) {
  service_.Play(Send({Started("start")}, kUnavailable));
  service_.Play(Send({Started("start"), Batch({"a"})}, grpc::Status::OK));
  last_ = "a";
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(service_.requests()[1].cursor_read().after_cursor(), "start");
}

// Heartbeats move the cursor past events that the filter left out.
TEST_F(SubscriberTest, HeartbeatMovesTheCursor) {
  service_.Play(Send({Started("start"), Heartbeat("h")}, kUnavailable));
  service_.Play(Send({Started("h"), Batch({"a"})}, grpc::Status::OK));
  last_ = "a";
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(service_.requests()[1].cursor_read().after_cursor(), "h");
}

// A drain tells where to resume and when; both hold, against the client's own backoff.
TEST_F(SubscriberTest, EndingTellsWhereAndWhen) {
  service_.Play(Send({Started("start"), Batch({"a"}), Ending("e", 7)}, kUnavailable));
  service_.Play(Send({Started("e"), Batch({"b"})}, grpc::Status::OK));
  last_ = "b";
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(service_.requests()[1].cursor_read().after_cursor(), "e");
  EXPECT_THAT(waits_, ElementsAre(absl::Milliseconds(7)));
}

// What another attempt cannot mend comes back with its reason instead of a loop.
TEST_F(SubscriberTest, TerminalErrorCarriesItsReason) {
  service_.Play(Send({}, ErrorWithReason(grpc::StatusCode::OUT_OF_RANGE, "CURSOR_EXPIRED")));
  const absl::Status status = Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ErrorReason(status), "CURSOR_EXPIRED");
  EXPECT_EQ(ErrorMetadata(status, "oldest_cursor"), "oldest");
  EXPECT_EQ(service_.requests().size(), 1u);
}

// An event that the handler refuses is not behind the cursor.
TEST_F(SubscriberTest, RefusedEventStaysAhead) {
  handlers_.on_event = [](const v1::Delivery& delivery) {
    return delivery.event().type() == "b" ? Verdict::kFail : Verdict::kContinue;
  };
  service_.Play(Hold({Started("start"), Batch({"a", "b", "c"})}));
  EXPECT_EQ(Run().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(subscriber_->cursor(), "a");
  EXPECT_THAT(log_, ElementsAre("save a"));
}

// A cursor that cannot be kept ends the run: going on would repeat without end after a restart.
TEST_F(SubscriberTest, FailedSaveEndsTheRun) {
  handlers_.save_cursor = [](const std::string&) { return absl::DataLossError("disk"); };
  service_.Play(Hold({Started("start"), Batch({"a"})}));
  EXPECT_EQ(Run().code(), absl::StatusCode::kDataLoss);
}

// A connection that died silently is noticed after three heartbeats without a message.
TEST_F(SubscriberTest, SilenceMeansReconnect) {
  v1::SubscribeResponse started = Started("start");
  started.mutable_started()->mutable_heartbeat_interval()->set_nanos(10'000'000);
  service_.Play(Hold({started}));
  service_.Play(Send({Started("start"), Batch({"a"})}, grpc::Status::OK));
  last_ = "a";
  EXPECT_TRUE(Run().ok());
  ASSERT_EQ(disconnects_.size(), 1u);
  EXPECT_NE(std::string(disconnects_[0].message()).find("no sign of life"), std::string::npos);
  // The dead connection is not used again: a cancelled call alone would leave it in use.
  ASSERT_EQ(service_.peers().size(), 2u);
  EXPECT_NE(service_.peers()[0], service_.peers()[1]);
}

// Stop ends a read that waits for the bridge.
TEST_F(SubscriberTest, StopEndsAnIdleStream) {
  std::thread stopper;
  handlers_.on_heartbeat = [&](const v1::Heartbeat&) {
    stopper = std::thread([this] { subscriber_->Stop(); });
  };
  service_.Play(Hold({Started("start"), Heartbeat("h")}));
  auto subscriber = Subscriber::Create(options_, handlers_);
  ASSERT_TRUE(subscriber.ok());
  subscriber_ = *std::move(subscriber);
  EXPECT_TRUE(subscriber_->Run().ok());
  stopper.join();
  EXPECT_EQ(service_.requests().size(), 1u);
}

// Stop before Run is not forgotten.
TEST_F(SubscriberTest, StopBeforeRun) {
  auto subscriber = Subscriber::Create(options_, handlers_);
  ASSERT_TRUE(subscriber.ok());
  (*subscriber)->Stop();
  EXPECT_TRUE((*subscriber)->Run().ok());
  EXPECT_TRUE(service_.requests().empty());
}

// A bound holds over reconnects: only what is left is asked for, and nothing when none is.
TEST_F(SubscriberTest, BoundHoldsOverReconnects) {
  options_.read.set_stop_after_events(3);
  service_.Play(Send({Started("start"), Batch({"a", "b"})}, kUnavailable));
  service_.Play(Send({Started("b"), Batch({"c"})}, kUnavailable));
  EXPECT_TRUE(Run().ok());
  ASSERT_EQ(service_.requests().size(), 2u);
  EXPECT_EQ(service_.requests()[1].cursor_read().stop_after_events(), 1u);
}

// OK without a bound is no end that the protocol knows: the read goes on.
TEST_F(SubscriberTest, UnaskedEndReconnects) {
  service_.Play(Send({Started("start"), Batch({"a"})}, grpc::Status::OK));
  service_.Play(Send({Started("a"), Batch({"b"})}, grpc::Status::OK));
  last_ = "b";
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(service_.requests().size(), 2u);
}

// The caller may refuse to wait, and gets the reason.
TEST_F(SubscriberTest, DisconnectHandlerEndsTheRun) {
  handlers_.on_disconnect = [](const absl::Status&, absl::Duration) { return false; };
  service_.Play(Send({}, kUnavailable));
  EXPECT_EQ(Run().code(), absl::StatusCode::kUnavailable);
}

// TLS files are read again for each stream, so that new ones count. One that cannot be read then is
// waited for.
TEST_F(SubscriberTest, WaitsForATlsFile) {
  const std::string file = ::testing::TempDir() + "subscriber_ca.pem";
  std::ofstream(file) << "-----BEGIN CERTIFICATE-----\n";
  options_.connection.ca_file = file;
  handlers_.on_disconnect = [this](const absl::Status& status, absl::Duration) {
    disconnects_.push_back(status);
    return false;
  };
  auto subscriber = Subscriber::Create(options_, handlers_);
  ASSERT_TRUE(subscriber.ok());
  std::filesystem::remove(file);
  EXPECT_EQ((*subscriber)->Run().code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(disconnects_.size(), 1u);
  EXPECT_EQ(std::string(disconnects_[0].message()), file + ": cannot be read");
}

// Unusable options are told at once, not after the first event.
TEST_F(SubscriberTest, RefusesUnusableOptions) {
  options_.connection.certificate_file = "client.pem";
  EXPECT_EQ(Run().code(), absl::StatusCode::kInvalidArgument);
  options_.connection = {};
  handlers_.on_event = nullptr;
  EXPECT_EQ(Run().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hookbridge
