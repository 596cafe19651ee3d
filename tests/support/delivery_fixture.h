#pragma once

#include "server/base/strings.h"
#include "server/base/wire.h"
#include "server/delivery/cursor_read.h"
#include "server/delivery/event_log.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "tests/support/append_helper.h"
#include "tests/support/fake_clock.h"

#include "hookbridge/v1/delivery_service.pb.h"

#include "gtest/gtest.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hookbridge {

// A journal in memory with an EventLog before it. The data run of an event is `text` (field 22) of
// its body, as ingest would have made it.
class DeliveryFixture : public testing::Test {
 protected:
  explicit DeliveryFixture(uint64_t cache_bytes_max = 1 << 20)
      : log_(cache_bytes_max, [this](const EventRuns& runs) {
          ++remade_;
          return DataRun(runs.raw);
        }) {
    auto store = std::make_unique<MemoryStore>(JournalId{7});
    store_ = store.get();
    QueuedJournalOptions options;
    options.queue = {.events_max = 4096, .bytes_max = 64 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, std::move(store), clock_, &log_);
    log_.Attach(*journal_);
    appender_ = std::make_unique<Appender>(*journal_);
  }
  ~DeliveryFixture() override { journal_->Close(); }

  static std::string DataRun(std::string_view body) {
    std::string run;
    AppendBytesField(run, 22, body);
    return run;
  }

  struct Fields {
    std::string source = "shop";
    std::string type = "paid";
    std::string subject = {};
    std::string attribute = {};  // value of `tier`; empty is none
    size_t body_bytes = 10;
  };

  // Appends one event and moves the clock by a second; its position.
  Position Append(const Fields& fields) {
    const std::string key = StrCat("k", ++appended_);
    NewEvent event = Appender::Event(key, std::string(fields.body_bytes, 'b'));
    std::string& envelope = event.event->runs.envelope;
    envelope.clear();
    AppendBytesField(envelope, 2, fields.source);
    AppendBytesField(envelope, 3, fields.type);
    if (!fields.subject.empty()) AppendBytesField(envelope, 4, fields.subject);
    AppendBytesField(envelope, 6, key);
    if (!fields.attribute.empty()) {
      std::string entry;
      AppendBytesField(entry, 1, "tier");
      AppendBytesField(entry, 2, fields.attribute);
      AppendBytesField(envelope, 11, entry);
    }
    event.event->runs.data = DataRun(event.event->runs.raw);
    event.event->has_data = true;
    // The raw run as RawRequest with the body as its last field.
    std::string request;
    AppendBytesField(request, 3, "POST");
    AppendBytesField(request, 1, std::string(fields.body_bytes, 'b'));
    std::string raw;
    AppendBytesField(raw, 30, request);
    event.event->runs.raw = raw;
    AppendRequest append;
    append.source = fields.source;
    append.events.push_back(std::move(event));
    const AppendOutcome outcome = appender_->Start(std::move(append)).get();
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    clock_.Advance(absl::Seconds(1));
    return outcome.receipts.empty() ? 0 : outcome.receipts.front().position;
  }
  void AppendTypes(const std::vector<std::string>& types) {
    for (const std::string& type : types) Append({.type = type});
  }

  RichError Open(const v1::SubscribeRequest& request) {
    read_.reset();
    return CursorRead::Create(
        request, {.stream_id = "stream", .server_instance = "test", .end_of_life = end_of_life_},
        log_, &read_);
  }

  static v1::SubscribeRequest Earliest() {
    v1::SubscribeRequest request;
    request.mutable_cursor_read()->set_preset(v1::START_PRESET_EARLIEST);
    return request;
  }

  static v1::SubscribeResponse Parse(const std::vector<Piece>& message) {
    std::string wire;
    for (const Piece& piece : message) wire += piece.bytes();
    v1::SubscribeResponse response;
    EXPECT_TRUE(response.ParseFromString(wire));
    return response;
  }

  // Steps until the read waits or ends.
  struct Ran {
    std::vector<v1::SubscribeResponse> messages;
    std::optional<RichError> end;
    std::vector<v1::Delivery> deliveries() const {
      std::vector<v1::Delivery> all;
      for (const auto& message : messages) {
        all.insert(all.end(), message.batch().deliveries().begin(),
                   message.batch().deliveries().end());
      }
      return all;
    }
    std::vector<std::string> types() const {
      std::vector<std::string> all;
      for (const auto& delivery : deliveries()) all.push_back(delivery.event().type());
      return all;
    }
    size_t count(v1::SubscribeResponse::MessageCase kind) const {
      size_t found = 0;
      for (const auto& message : messages) found += message.message_case() == kind;
      return found;
    }
  };
  Ran Run() {
    Ran ran;
    for (int steps = 0; steps < 10'000; ++steps) {
      ReadStep step = read_->Next(ReadClock(clock_));
      if (auto* const write = std::get_if<WriteStep>(&step)) {
        ran.messages.push_back(Parse(write->message));
      } else if (auto* const end = std::get_if<EndStep>(&step)) {
        ran.end = end->status;
        return ran;
      } else if (std::get<WaitStep>(step).until > clock_.Steady()) {
        return ran;
      }
    }
    ADD_FAILURE() << "the read neither waits nor ends";
    return ran;
  }
  Ran RunOf(const v1::SubscribeRequest& request) {
    const RichError error = Open(request);
    EXPECT_TRUE(error.ok()) << error.message;
    return error.ok() ? Run() : Ran{.messages = {}, .end = error};
  }

  FakeClock clock_;
  absl::Duration end_of_life_ = absl::InfiniteDuration();
  int remade_ = 0;  // data runs made again
  int appended_ = 0;
  EventLog log_;
  MemoryStore* store_ = nullptr;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Appender> appender_;
  std::optional<CursorRead> read_;
};

}  // namespace hookbridge
