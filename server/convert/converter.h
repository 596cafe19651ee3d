#pragma once

#include "server/base/event.h"
#include "server/base/limits.h"
#include "server/verify/verified_webhook.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hookbridge {

struct ConvertLimits {
  uint32_t json_depth_max = limits::kJsonDepthMax;
  uint64_t parsed_bytes_max = limits::kParsedBytesMax;
  uint32_t json_elements_max = limits::kJsonElementsMax;
};

struct ConverterOptions {
  std::string source;
  config::v1::Recipe recipe;
  std::string public_url;
  ConvertLimits limits;
  std::string secret_header = {};  // never kept in RawRequest
};

// A verified webhook as an event, ready for the journal.
struct ConvertedEvent {
  EventRuns runs;
  std::string dedup_key;                 // Event.dedup_key
  std::array<uint8_t, 32> dedup_hash{};  // SHA-256 of source, one zero byte, dedup_key
  bool by_body = false;                  // the key is the body's: same_body_window holds
  uint32_t body_crc = 0;                 // CRC-32C of the body
  std::string type;                      // Event.type, for the log
  std::string conversion_error;          // Event.conversion_error
};

// All events of one webhook: one, or one for each element of a split batch.
struct ConvertedWebhook {
  std::vector<ConvertedEvent> events;
  std::string body_run = {};  // of a split batch: AppendRequest.body_run
};

// Turns one source's verified webhooks into events: extracts the envelope's fields, makes the
// parsed form. Made once per source. Threads: thread-safe, immutable. Never blocks. Never fails: a
// body without a parsed form is an event with conversion_error.
class Converter {
 public:
  // kInvalidArgument, naming the recipe's field.
  static absl::StatusOr<std::unique_ptr<Converter>> Create(ConverterOptions options);
  ~Converter();

  ConvertedWebhook Convert(const VerifiedWebhook& webhook) const;

 private:
  struct State;
  explicit Converter(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

// Makes the data run of an event read from disk again, from its raw run: the same bytes as at
// ingest. Empty for kNone.
std::string RemakeDataRun(const EventRuns& runs, const ConvertLimits& limits);

}  // namespace hookbridge
