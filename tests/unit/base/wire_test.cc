#include "server/base/wire.h"

#include "google/protobuf/any.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace hookbridge {
namespace {

// Lengths are computed before bytes are written, so the two must agree at every step.
TEST(Wire, VarintBytesIsWhatIsAppended) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t value : {(1ull << bit) - 1, 1ull << bit}) {
      std::string out;
      AppendVarint(out, value);
      EXPECT_EQ(out.size(), VarintBytes(value)) << value;
    }
  }
}

// Protobuf itself reads what is written here.
TEST(Wire, WritesWhatProtobufReads) {
  std::string out;
  AppendVarintField(out, 1, static_cast<uint64_t>(int64_t{-5}));
  AppendVarintField(out, 2, 999'999'999);
  google::protobuf::Timestamp time;
  ASSERT_TRUE(time.ParseFromString(out));
  EXPECT_EQ(time.seconds(), -5);
  EXPECT_EQ(time.nanos(), 999'999'999);

  out.clear();
  AppendBytesField(out, 1, "type");
  AppendBytesField(out, 2, std::string(300, 'x'));
  google::protobuf::Any any;
  ASSERT_TRUE(any.ParseFromString(out));
  EXPECT_EQ(any.type_url(), "type");
  EXPECT_EQ(any.value().size(), 300u);

  out.clear();
  AppendDoubleField(out, 2, -0.1);
  google::protobuf::Value value;
  ASSERT_TRUE(value.ParseFromString(out));
  EXPECT_EQ(value.number_value(), -0.1);
}

// Every type is read back with its place in the message.
TEST(WireReader, ReadsEveryType) {
  std::string bytes;
  AppendVarintField(bytes, 1, std::numeric_limits<uint64_t>::max());
  AppendBytesField(bytes, 2, "abc");
  AppendDoubleField(bytes, 3, 2.5);
  AppendTag(bytes, (1u << 29) - 1, WireType::kFixed32);
  bytes.append("\x01\x00\x00\x80", 4);

  WireReader reader(bytes);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), 1u);
  EXPECT_EQ(reader.number(), std::numeric_limits<uint64_t>::max());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.bytes(), "abc");
  EXPECT_EQ(reader.entry(),
            "\x12\x03"
            "abc");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.number_as_double(), 2.5);
  EXPECT_EQ(reader.bytes(), "");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.field(), (1u << 29) - 1);
  EXPECT_EQ(reader.number(), 0x80000001u);
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

struct BadBytes {
  std::string name;
  std::string bytes;
};
class WireReaderBad : public testing::TestWithParam<BadBytes> {};

// Damaged records end in an error, never beyond the input.
TEST_P(WireReaderBad, IsRefused) {
  // On the heap and exactly as long, so that a sanitizer sees a byte too far.
  const std::string bytes(GetParam().bytes.data(), GetParam().bytes.size());
  WireReader reader(bytes);
  while (reader.Next()) {
  }
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.Next());
}

INSTANTIATE_TEST_SUITE_P(
    All, WireReaderBad,
    testing::Values(BadBytes{"TagOnly", "\x08"}, BadBytes{"CutTag", "\x88"},
                    BadBytes{"CutVarint", "\x08\x80"},
                    BadBytes{"FieldZero", std::string("\0\0", 2)},
                    BadBytes{"FieldTooBig", "\x80\x80\x80\x80\x10\x01"},
                    BadBytes{"CutFixed64", std::string("\x09\1\2\3\4\5\6\7")},
                    BadBytes{"CutFixed32", std::string("\x0d\1\2\3")},
                    BadBytes{"LengthTooLong", std::string("\x0a\x03"
                                                          "ab")},
                    BadBytes{"LengthHuge", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
                    BadBytes{"VarintOver64Bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},
                    BadBytes{"VarintElevenBytes",
                             std::string("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0", 12)},
                    BadBytes{"GroupStart", "\x0b"}, BadBytes{"GroupEnd", "\x0c"},
                    BadBytes{"Type6", "\x0e\x01"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace hookbridge
