#include "server/quarantine/quarantine.h"

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/fake_clock.h"
#include "tests/support/request_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest()
      : directory_(fs::temp_directory_path() / StrCat("hookbridge-quarantine-", getpid())) {
    fs::remove_all(directory_);
  }
  ~QuarantineTest() override { fs::remove_all(directory_); }

  std::unique_ptr<Quarantine> Open(uint64_t bytes_max = 1 << 20) {
    auto opened = Quarantine::Open({.directory = (directory_ / "q").string(),
                                    .bytes_max = bytes_max,
                                    .max_age = absl::Hours(1)},
                                   clock_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  static WebhookRequest Request(const std::string& id, absl::Duration after = absl::ZeroDuration(),
                                const std::string& body = "{body}\xff") {
    WebhookRequest request = RequestBuilder()
                                 .Header("X-A", "1")
                                 .Header("x-a", "2")
                                 .Token("tok")
                                 .Query("q=1")
                                 .Body(body)
                                 .Build();
    request.request_id = id;
    request.receive_time = kReceived + after;
    request.remote_address = "192.0.2.1";
    return request;
  }
  static std::vector<std::string> Ids(const Quarantine& quarantine) {
    std::vector<std::string> ids;
    for (const RejectedRequest& rejected : quarantine.List(100, "")) {
      ids.push_back(rejected.request_id);
    }
    return ids;
  }

  static constexpr absl::Time kReceived = absl::FromUnixSeconds(1'700'000'000);
  const fs::path directory_;
  FakeClock clock_{kReceived};
};

TEST_F(QuarantineTest, GivesBackTheWholeRequestAlsoAfterARestart) {
  const WebhookRequest request = Request("r1");
  {
    const auto quarantine = Open();
    EXPECT_TRUE(quarantine->Keep(request, Reason::kSignatureMismatch, "no key"));
  }
  const auto quarantine = Open();
  const auto listed = quarantine->List(10, "test");
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].reason, Reason::kSignatureMismatch);
  EXPECT_EQ(listed[0].detail, "no key");
  EXPECT_EQ(listed[0].time, kReceived);
  EXPECT_EQ(listed[0].body_bytes, request.body.size());
  EXPECT_TRUE(quarantine->List(10, "other").empty());

  const auto read = quarantine->Read("r1");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->body, request.body);
  EXPECT_EQ(read->method, request.method);
  EXPECT_EQ(read->path, request.path);
  EXPECT_EQ(read->query, "q=1");
  EXPECT_EQ(read->source, "test");
  EXPECT_EQ(read->token, "tok");
  EXPECT_EQ(read->receive_time, kReceived);
  EXPECT_EQ(read->remote_address, "192.0.2.1");
  ASSERT_EQ(read->headers.size(), 2u);
  EXPECT_EQ(read->headers[1].name, "x-a");
  EXPECT_EQ(read->headers[1].value, "2");

  EXPECT_TRUE(quarantine->Remove("r1").ok());
  EXPECT_EQ(quarantine->Read("r1").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(quarantine->Remove("r1").code(), absl::StatusCode::kNotFound);
}

TEST_F(QuarantineTest, OfOneMillisecondTheLaterIsNewer) {
  const auto quarantine = Open();
  for (const char* id : {"c", "a", "b"}) quarantine->Keep(Request(id), Reason::kInternal, "");
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine), testing::ElementsAre("b", "a", "c"));
}

TEST_F(QuarantineTest, NobodyElseMayRead) {
  const auto quarantine = Open();
  quarantine->Keep(Request("r1"), Reason::kSignatureMismatch, "");
  quarantine->Flush();
  struct stat facts {};
  ASSERT_EQ(stat((directory_ / "q").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
  for (const auto& file : fs::directory_iterator(directory_ / "q")) {
    ASSERT_EQ(stat(file.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
  }
}

TEST_F(QuarantineTest, TheOldestGoFirst) {
  const auto quarantine = Open(3'000);
  for (int i = 0; i < 4; ++i) {
    quarantine->Keep(Request(StrCat("r", i), absl::Seconds(i), std::string(1'200, 'x')),
                     Reason::kSignatureMismatch, "");
  }
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine), testing::ElementsAre("r3", "r2"));
  clock_.Advance(absl::Hours(2));
  quarantine->Keep(Request("r9", absl::Hours(2)), Reason::kSignatureMismatch, "");
  quarantine->Flush();
  EXPECT_THAT(Ids(*quarantine), testing::ElementsAre("r9")) << "older than max_age";
}

TEST_F(QuarantineTest, WhatIsTooMuchOrDamagedIsLeftOut) {
  const auto quarantine = Open(100 << 20);
  const std::string most(limits::kQuarantineWaitingBytesMax, 'x');
  EXPECT_FALSE(quarantine->Keep(Request("big", absl::ZeroDuration(), most), Reason::kInternal, ""));
  quarantine->Keep(Request("good"), Reason::kInternal, "");
  quarantine->Flush();
  std::ofstream(directory_ / "q" / "1700000000000-bad.request") << "\xff\xff";
  std::ofstream(directory_ / "q" / "note.txt") << "kept";
  EXPECT_THAT(Ids(*quarantine), testing::ElementsAre("good"));
  for (const char* id : {"bad", "", "../q/1700000000000-good", "ood", "*"}) {
    EXPECT_FALSE(quarantine->Read(id).ok()) << id;
  }
}

TEST_F(QuarantineTest, ADirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(directory_.string()) << "a file";
  const auto opened = Quarantine::Open(
      {.directory = (directory_ / "q").string(), .bytes_max = 1, .max_age = absl::Hours(1)},
      clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr("quarantine.directory"));
}

}  // namespace
}  // namespace hookbridge
