#pragma once

#include "server/journal/journal.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hookbridge {

// Appends and waits for the outcome. Threads: thread-safe.
class Appender final : public AppendSink {
 public:
  explicit Appender(Journal& journal) : journal_(journal) {}

  void OnAppended(std::vector<AppendOutcome> outcomes) override {
    for (AppendOutcome& outcome : outcomes) {
      const std::unique_ptr<AppendContext> context = std::move(outcome.context);
      static_cast<Waiting&>(*context).outcome.set_value(std::move(outcome));
    }
  }

  std::future<AppendOutcome> Start(AppendRequest request) {
    auto waiting = std::make_unique<Waiting>();
    std::future<AppendOutcome> outcome = waiting->outcome.get_future();
    request.context = std::move(waiting);
    request.sink = this;
    journal_.Append(std::move(request));
    return outcome;
  }

  AppendOutcome Append(const std::string& key, const std::string& body = "body") {
    return Start(One(key, body)).get();
  }

  static AppendRequest One(const std::string& key, const std::string& body = "body") {
    AppendRequest request;
    request.source = "source";
    request.events.push_back(Event(key, body));
    return request;
  }

  // An event whose dedup hash is its key; runs that are not wire form, which the journal never
  // reads.
  static NewEvent Event(const std::string& key, const std::string& body) {
    NewEvent event;
    for (size_t i = 0; i < key.size() && i < event.dedup_hash.size(); ++i) {
      event.dedup_hash[i] = static_cast<uint8_t>(key[i]);
    }
    event.dedup_window = absl::Hours(1);
    event.event = std::make_shared<StoredEvent>();
    event.event->runs.envelope = "envelope of " + key;
    event.event->runs.raw = body;
    event.event->runs.parsed_form = ParsedForm::kJson;
    return event;
  }

 private:
  struct Waiting final : AppendContext {
    std::promise<AppendOutcome> outcome;
  };

  Journal& journal_;
};

}  // namespace hookbridge
