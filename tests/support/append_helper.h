#pragma once

#include "server/base/mutex.h"
#include "server/journal/journal.h"

#include <future>
#include <map>
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
    MutexLock lock(mutex_);
    for (AppendOutcome& outcome : outcomes) {
      waiting_.at(outcome.token).set_value(std::move(outcome));
    }
  }

  std::future<AppendOutcome> Start(AppendRequest request) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::future<AppendOutcome> outcome;
    {
      MutexLock lock(mutex_);
      request.token = next_++;
      outcome = waiting_[request.token].get_future();
    }
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
  Journal& journal_;
  Mutex mutex_;
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::promise<AppendOutcome>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
