#include "server/journal/record.h"

#include "server/base/crc32c.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

std::string Encoded() {
  StoredEvent event;
  event.id = EventIdMinter(7, EventId()).Next(absl::FromUnixSeconds(1'800'000'000));
  event.runs.envelope = "envelope";
  event.runs.raw = "raw bytes";
  event.runs.parsed_form = ParsedForm::kForm;
  const RecordHeader header = EncodeRecordHeader(event);
  return std::string(header.begin(), header.end()) + event.runs.envelope + event.runs.raw;
}

// A record gives back what it was made of.
TEST(RecordTest, RoundTrip) {
  const auto event = DecodeRecord(9, Encoded());
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ((*event)->position, 9u);
  EXPECT_EQ((*event)->runs.envelope, "envelope");
  EXPECT_EQ((*event)->runs.raw, "raw bytes");
  EXPECT_EQ((*event)->runs.parsed_form, ParsedForm::kForm);
  EXPECT_EQ((*event)->append_time(), absl::FromUnixSeconds(1'800'000'000));
}

// Any changed byte and any cut is noticed.
TEST(RecordTest, DamageIsNoticed) {
  const std::string good = Encoded();
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_FALSE(DecodeRecord(1, bad).ok()) << "byte " << i;
    EXPECT_FALSE(DecodeRecord(1, std::string_view(good).substr(0, i)).ok()) << "cut at " << i;
  }
}

// The published check value, by both ways of computing it in pieces.
TEST(Crc32cTest, PublishedValue) {
  EXPECT_EQ(Crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(Crc32c(0, "1234"), "56789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(0, std::string(32, '\0')), 0x8a9136aau);
}

}  // namespace
}  // namespace hookbridge
