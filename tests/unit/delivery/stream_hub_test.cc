#include "server/delivery/stream_hub.h"

#include "tests/support/delivery_fixture.h"

#include "gmock/gmock.h"

#include <set>
#include <thread>

namespace hookbridge {
namespace {

// A client: reads at once, or only when the test says so.
class Client final : public StreamSink {
 public:
  explicit Client(StreamHub& hub, bool reads = true) : hub_(hub), reads_(reads) {}

  // Leaves, if it is still there: a sink lives until its Finish.
  ~Client() override {
    bool writing = false;
    {
      MutexLock lock(mutex_);
      if (key_ == 0 || finished_) return;
      writing = writing_;
    }
    hub_.Cancel(key_);
    if (writing) hub_.WriteDone(key_, false);
    AwaitFinish();
  }

  void Write(std::vector<Piece> message) override {
    StreamKey key = 0;
    {
      MutexLock lock(mutex_);
      EXPECT_FALSE(writing_) << "one message in flight";
      EXPECT_FALSE(finished_);
      std::string wire;
      for (const Piece& piece : message) wire += piece.bytes();
      v1::SubscribeResponse response;
      EXPECT_TRUE(response.ParseFromString(wire));
      for (const auto& delivery : response.batch().deliveries())
        types_.push_back(delivery.event().type());
      kinds_.push_back(response.message_case());
      writing_ = true;
      changed_.NotifyAll();
      if (!reads_ || key_ == 0) return;
      key = key_;
      writing_ = false;
    }
    hub_.WriteDone(key, true);
  }
  void Finish(const RichError& status) override {
    MutexLock lock(mutex_);
    EXPECT_FALSE(finished_) << "finished twice";
    finished_ = true;
    status_ = status;
    changed_.NotifyAll();
  }

  // As gRPC does: a call that is cancelled ends its write.
  void GiveUp() override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
    }
    hub_.WriteDone(key_, false);
  }

  RichError Join(CursorRead read) {
    StreamKey key = 0;
    const RichError error = hub_.Add(*this, std::move(read), &key);
    bool waiting = false;
    {
      MutexLock lock(mutex_);
      key_ = key;
      waiting = writing_ && reads_;
      if (waiting) writing_ = false;
    }
    if (waiting) hub_.WriteDone(key, true);
    return error;
  }
  // Takes what is in flight.
  void ReadOne(bool ok = true) {
    {
      MutexLock lock(mutex_);
      while (!writing_) changed_.Wait(mutex_);
      writing_ = false;
    }
    hub_.WriteDone(key_, ok);
  }
  void AwaitTypes(size_t count) {
    MutexLock lock(mutex_);
    while (types_.size() < count) changed_.Wait(mutex_);
  }
  void AwaitKind(v1::SubscribeResponse::MessageCase kind) {
    MutexLock lock(mutex_);
    while (std::find(kinds_.begin(), kinds_.end(), kind) == kinds_.end()) changed_.Wait(mutex_);
  }
  RichError AwaitFinish() {
    MutexLock lock(mutex_);
    while (!finished_) changed_.Wait(mutex_);
    return status_;
  }
  std::vector<std::string> types() {
    MutexLock lock(mutex_);
    return types_;
  }
  size_t messages() {
    MutexLock lock(mutex_);
    return kinds_.size();
  }
  StreamKey key() const { return key_; }

 private:
  StreamHub& hub_;
  const bool reads_;
  Mutex mutex_;
  CondVar changed_;
  StreamKey key_ = 0;
  std::vector<std::string> types_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::SubscribeResponse::MessageCase> kinds_ ABSL_GUARDED_BY(mutex_);
  RichError status_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

class StreamHubTest : public DeliveryFixture {
 protected:
  StreamHubTest() : hub_(std::make_unique<StreamHub>(8, log_, clock_)) {}
  ~StreamHubTest() override {
    hub_->Drain(absl::Seconds(20));
    hub_->Stop();
  }

  CursorRead ReadOf(const v1::SubscribeRequest& request) {
    EXPECT_TRUE(Open(request).ok());
    return *std::move(read_);
  }

  std::unique_ptr<StreamHub> hub_;
};

TEST_F(StreamHubTest, EveryStreamGetsEveryEventInOrder) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(*hub_));
    ASSERT_TRUE(clients.back()->Join(ReadOf(Earliest())).ok());
  }
  std::vector<std::string> sent;
  for (int i = 0; i < 500; ++i) {
    sent.push_back(StrCat("t", i));
    Append({.type = sent.back()});
  }
  for (auto& client : clients) {
    client->AwaitTypes(sent.size());
    EXPECT_EQ(client->types(), sent);
  }
  hub_->Drain(absl::Seconds(20));
  for (auto& client : clients) {
    client->AwaitKind(v1::SubscribeResponse::kEnding);
    EXPECT_EQ(client->AwaitFinish().code, absl::StatusCode::kUnavailable);
  }
}

// P5: a client that does not read has one batch in flight and costs nothing more; others go on.
TEST_F(StreamHubTest, AStalledStreamHasOneMessageInFlightAndHoldsUpNobody) {
  Client stalled(*hub_, /*reads=*/false);
  Client quick(*hub_);
  ASSERT_TRUE(stalled.Join(ReadOf(Earliest())).ok());
  ASSERT_TRUE(quick.Join(ReadOf(Earliest())).ok());
  for (int i = 0; i < 1'000; ++i) Append({.type = "t"});
  quick.AwaitTypes(1'000);
  EXPECT_EQ(stalled.messages(), 1u) << "Started alone";
  stalled.ReadOne();
  stalled.AwaitTypes(1);
  EXPECT_EQ(stalled.types().size(), 64u) << "then one batch";
  hub_->Cancel(stalled.key());
  stalled.ReadOne(false);
  EXPECT_EQ(stalled.AwaitFinish().code, absl::StatusCode::kCancelled);
}

TEST_F(StreamHubTest, AClientThatIsGoneIsForgotten) {
  Client waiting(*hub_);
  ASSERT_TRUE(waiting.Join(ReadOf(Earliest())).ok());
  waiting.AwaitKind(v1::SubscribeResponse::kCaughtUp);
  hub_->Cancel(waiting.key());
  EXPECT_EQ(waiting.AwaitFinish().code, absl::StatusCode::kCancelled);
  EXPECT_EQ(hub_->stream_count(), 0u);
  hub_->Cancel(waiting.key());
  hub_->WriteDone(waiting.key(), true);
}

TEST_F(StreamHubTest, StreamsAtTheirLimitAndOneMore) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(*hub_));
    EXPECT_TRUE(clients.back()->Join(ReadOf(Earliest())).ok());
  }
  Client ninth(*hub_);
  const RichError error = ninth.Join(ReadOf(Earliest()));
  EXPECT_EQ(error.code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(error.reason, "TOO_MANY_STREAMS");
  EXPECT_TRUE(error.retry_delay.has_value());
  hub_->Cancel(clients[0]->key());
  clients[0]->AwaitFinish();
  EXPECT_TRUE(ninth.Join(ReadOf(Earliest())).ok()) << "a place is free again";
  hub_->Drain(absl::Seconds(20));
}

TEST_F(StreamHubTest, ANewerStreamWithTheClientIdTakesOver) {
  v1::SubscribeRequest request = Earliest();
  request.set_client_id("billing-0");
  Client older(*hub_);
  Client nameless(*hub_);
  ASSERT_TRUE(older.Join(ReadOf(request)).ok());
  ASSERT_TRUE(nameless.Join(ReadOf(Earliest())).ok());
  older.AwaitKind(v1::SubscribeResponse::kCaughtUp);
  Client newer(*hub_);
  ASSERT_TRUE(newer.Join(ReadOf(request)).ok());
  EXPECT_EQ(older.AwaitFinish().reason, "SUPERSEDED");
  older.AwaitKind(v1::SubscribeResponse::kEnding);
  // The name is the newer one's: the end of the older one did not free it.
  Client newest(*hub_);
  ASSERT_TRUE(newest.Join(ReadOf(request)).ok());
  EXPECT_EQ(newer.AwaitFinish().reason, "SUPERSEDED");
  Append({.type = "a"});
  newest.AwaitTypes(1);
  nameless.AwaitTypes(1);
  EXPECT_TRUE(older.types().empty());
  // A name is free again when its stream has left.
  hub_->Cancel(newest.key());
  EXPECT_EQ(newest.AwaitFinish().code, absl::StatusCode::kCancelled);
  Client again(*hub_);
  ASSERT_TRUE(again.Join(ReadOf(request)).ok());
  again.AwaitTypes(1);
}

TEST_F(StreamHubTest, AStalledStreamIsSupersededWhenItsWriteEnds) {
  v1::SubscribeRequest request = Earliest();
  request.set_client_id("billing-0");
  Client stalled(*hub_, /*reads=*/false);
  ASSERT_TRUE(stalled.Join(ReadOf(request)).ok());
  stalled.AwaitKind(v1::SubscribeResponse::kStarted);
  Client newer(*hub_);
  ASSERT_TRUE(newer.Join(ReadOf(request)).ok());
  newer.AwaitKind(v1::SubscribeResponse::kCaughtUp);
  stalled.ReadOne();
  stalled.ReadOne();
  EXPECT_EQ(stalled.AwaitFinish().reason, "SUPERSEDED");
}

TEST_F(StreamHubTest, ARefusedStreamTakesNothingOver) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    v1::SubscribeRequest request = Earliest();
    request.set_client_id(StrCat("billing-", i));
    clients.push_back(std::make_unique<Client>(*hub_));
    ASSERT_TRUE(clients.back()->Join(ReadOf(request)).ok());
  }
  v1::SubscribeRequest request = Earliest();
  request.set_client_id("billing-0");
  Client ninth(*hub_);
  EXPECT_EQ(ninth.Join(ReadOf(request)).reason, "TOO_MANY_STREAMS");
  Append({.type = "a"});
  clients[0]->AwaitTypes(1);
  hub_->Drain(absl::Seconds(20));
}

TEST_F(StreamHubTest, DrainGivesUpOnAClientThatDoesNotRead) {
  Client stalled(*hub_, /*reads=*/false);
  ASSERT_TRUE(stalled.Join(ReadOf(Earliest())).ok());
  stalled.AwaitKind(v1::SubscribeResponse::kStarted);
  EXPECT_FALSE(hub_->Drain(absl::Milliseconds(10)));
  Client late(*hub_);
  EXPECT_EQ(late.Join(ReadOf(Earliest())).reason, "DRAINING");
  EXPECT_TRUE(hub_->Drain(absl::Seconds(20)));
  EXPECT_EQ(stalled.AwaitFinish().reason, "CANCELLED");
}

TEST_F(StreamHubTest, ABoundedReadEndsWithOk) {
  AppendTypes({"a", "b"});
  v1::SubscribeRequest request = Earliest();
  request.mutable_cursor_read()->set_stop_at_end(true);
  Client client(*hub_);
  ASSERT_TRUE(client.Join(ReadOf(request)).ok());
  EXPECT_TRUE(client.AwaitFinish().ok());
  EXPECT_THAT(client.types(), testing::ElementsAre("a", "b"));
}

// Joins, cancels and commits from several threads at once: for ThreadSanitizer.
TEST_F(StreamHubTest, ManyThingsAtOnce) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) Append({});
  });
  std::vector<std::thread> threads;
  std::atomic<int> finished{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        std::optional<CursorRead> read;
        EXPECT_TRUE(CursorRead::Create(Earliest(), CursorReadOptions(), log_, &read).ok());
        Client client(*hub_);
        if (!client.Join(*std::move(read)).ok()) continue;
        client.AwaitKind(v1::SubscribeResponse::kStarted);
        hub_->Cancel(client.key());
        client.AwaitFinish();
        ++finished;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  writer.join();
  EXPECT_EQ(finished, 150);
  EXPECT_EQ(hub_->stream_count(), 0u);
}

}  // namespace
}  // namespace hookbridge
