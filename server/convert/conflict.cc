#include "server/convert/conflict.h"

#include "server/base/strings.h"
#include "server/base/wire.h"
#include "server/convert/internal/dedup_key.h"
#include "server/convert/internal/envelope.h"
#include "server/convert/internal/raw_request.h"

namespace hookbridge {

Unconflicted Unconflict(const EventRuns& runs, std::string_view first_id) {
  Unconflicted own;
  std::string_view source;
  std::string key;
  WireReader reader(runs.envelope);
  while (reader.Next()) {
    if (reader.field() == kSourceField) source = reader.bytes();
    if (reader.field() == kDedupKeyField) {
      key = StrCat(WholeOrHash(std::string(reader.bytes()), 1 + kHashTextBytes), "#",
                   HashText(ParsedBytesOfRawRun(runs.raw).text()));
      AppendBytesField(own.envelope, kDedupKeyField, key);
    } else {
      own.envelope.append(reader.entry());
    }
  }
  AppendAttribute(own.envelope, "conflicts_with", first_id);
  own.dedup_hash = DedupHashOf(source, key);
  return own;
}

}  // namespace hookbridge
