#include "server/convert/conflict.h"

#include "server/base/strings.h"
#include "server/base/wire.h"

#include "hookbridge/v1/event.pb.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

constexpr std::string_view kFirst = "01890000-0000-7000-8000-000000000001";

EventRuns Runs(const std::string& key, const std::string& body) {
  v1::Event envelope;
  envelope.set_source("shop");
  envelope.set_type("order.paid");
  envelope.set_dedup_key(key);
  (*envelope.mutable_attributes())["currency"] = "EUR";
  v1::Event raw;
  raw.mutable_raw()->set_body(body);
  EventRuns runs;
  runs.envelope = envelope.SerializeAsString();
  runs.raw = raw.SerializeAsString();
  return runs;
}

v1::Event Parse(const Unconflicted& own) {
  v1::Event event;
  EXPECT_TRUE(event.ParseFromString(own.envelope));
  return event;
}

// The id and the SHA-256 of `{}` (sha256sum); everything else stays as it was.
TEST(ConflictTest, TheKeyHoldsIdAndBodyAndTheAttributeTheFirst) {
  const v1::Event event = Parse(Unconflict(Runs("evt_1", "{}"), kFirst));
  EXPECT_EQ(event.dedup_key(),
            "evt_1#sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  EXPECT_EQ(event.attributes().at("conflicts_with"), kFirst);
  EXPECT_EQ(event.attributes().at("currency"), "EUR");
  EXPECT_EQ(event.source(), "shop");
  EXPECT_EQ(event.type(), "order.paid");
}

TEST(ConflictTest, OneKeyForOneBodyAndAnotherForAnother) {
  const Unconflicted one = Unconflict(Runs("evt_1", "{}"), kFirst);
  EXPECT_EQ(one.dedup_hash, Unconflict(Runs("evt_1", "{}"), "another event").dedup_hash);
  EXPECT_NE(one.dedup_hash, Unconflict(Runs("evt_1", "{} "), kFirst).dedup_hash);
  EXPECT_NE(one.dedup_hash, Unconflict(Runs("evt_2", "{}"), kFirst).dedup_hash);
}

// Of a batch the item counts, not the body that all items share.
TEST(ConflictTest, AnItemIsItsOwnBody) {
  const auto key = [](const std::string& item) {
    v1::Event raw;
    raw.mutable_raw()->set_item(item);
    EventRuns runs = Runs("evt_1", "");
    runs.raw = raw.SerializeAsString();
    return Parse(Unconflict(runs, kFirst)).dedup_key();
  };
  EXPECT_EQ(key("{}"), Parse(Unconflict(Runs("evt_1", "{}"), kFirst)).dedup_key());
  EXPECT_NE(key("{}"), key("[]"));
}

// An id at the bound leaves no room for the body's hash: it is hashed whole, and still tells.
TEST(ConflictTest, LongIdsStayDifferentAndBounded) {
  const std::string long_id(1023, 'x');
  const std::string a = Parse(Unconflict(Runs(long_id + "a", "{}"), kFirst)).dedup_key();
  const std::string b = Parse(Unconflict(Runs(long_id + "b", "{}"), kFirst)).dedup_key();
  EXPECT_NE(a, b);
  EXPECT_LE(a.size(), 1024u);
  EXPECT_TRUE(a.starts_with("sha256:"));
}

}  // namespace
}  // namespace hookbridge
