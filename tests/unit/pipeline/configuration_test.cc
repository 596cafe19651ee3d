#include "server/configuration.h"

#include "server/base/strings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr std::string_view kSource =
    "sources: [{name: a, preset: stripe, keys: [{secret: 'file:secret'}]}]\n";

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest()
      : directory_(fs::temp_directory_path() / StrCat("hookbridge-configuration-", getpid())) {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    Write("secret", "s3cret");
  }
  ~ConfigurationTest() override { fs::remove_all(directory_); }

  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = (directory_ / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Configuration Read(std::string yaml) {
    for (size_t at = 0; (at = yaml.find("file:secret", at)) != std::string::npos;) {
      yaml.replace(at, 11, StrCat("file:", (directory_ / "secret").string()));
    }
    Configuration read = ReadConfiguration(Write("f.yaml", yaml), kNow);
    CheckMachine(kNow, read);
    return read;
  }
  std::string Problems(const std::string& yaml) { return FormatProblems("f", Read(yaml).problems); }
  std::string WithDirectory(std::string_view directory) {
    return StrCat(kSource, "journal: {directory: ", directory, "}\n");
  }

  const fs::path directory_;
};

// What the reader, the presets and the secrets have to say is one report, in the file's order.
TEST_F(ConfigurationTest, IsOneReport) {
  const Configuration read = Read(
      "ingress: {threads: 65}\n"
      "sources:\n"
      "  - {name: a, preset: strip, keys: [{secret: 'file:secret'}]}\n"
      "  - name: b\n"
      "    preset: stripe\n"
      "    keys: [{secret: 'env:CONFIGURATION_TEST_NOT_SET'}]\n"
      "log: {level: loud}\n");
  const std::string report = FormatProblems("f", read.problems);
  ASSERT_EQ(read.problems.size(), 4u) << report;
  EXPECT_EQ(read.problems[0].path, "ingress.threads");
  EXPECT_THAT(report, HasSubstr("f:3: sources[0].preset: no preset `strip`"));
  EXPECT_THAT(report, HasSubstr("f:6: sources[1].keys[0].secret: env:CONFIGURATION_TEST_NOT_SET"));
  EXPECT_EQ(read.problems[3].path, "log.level");
}

// What a fault leads to is not told beside it.
TEST_F(ConfigurationTest, TellsNoConsequences) {
  const Configuration read =
      Read("sources:\n  - {name: a, preset: stripe, keys: [{secert: 'file:secret'}]}\n");
  ASSERT_EQ(read.problems.size(), 2u) << FormatProblems("f", read.problems);
  EXPECT_EQ(read.problems[0].path, "sources[0].keys[0].secert");
  EXPECT_EQ(read.problems[1].message, "a key needs its secret") << "and not that none is found";
}

// A file that cannot be read is told alone, and a warning not beside the problem of its field.
TEST_F(ConfigurationTest, TellsNoMoreThanItKnows) {
  Configuration read = ReadConfiguration("/nonexistent", kNow);
  CheckMachine(kNow, read);
  EXPECT_EQ(read.problems.size(), 1u) << FormatProblems("f", read.problems);
  EXPECT_THAT(read.warnings, IsEmpty());
  read = Read(
      "sources: [{name: a, preset: stripe, keys: [{secret: 'file:secret', not_before: "
      "'2040-01-02T00:00:00Z', not_after: '2040-01-01T00:00:00Z'}]}]\n");
  EXPECT_EQ(read.problems.size(), 1u) << FormatProblems("f", read.problems);
  EXPECT_THAT(read.warnings, IsEmpty()) << FormatWarnings("f", read.warnings);
}

// A directory that can be written, or made where it is not, is good; nothing is left behind.
TEST_F(ConfigurationTest, DirectoriesAreTried) {
  const std::string good = (directory_ / "new" / "deep").string();
  EXPECT_EQ(Problems(WithDirectory(good)), "");
  EXPECT_EQ(Problems(WithDirectory(directory_.string())), "");
  EXPECT_FALSE(fs::exists(directory_ / "new"));
  for (const auto& entry : fs::directory_iterator(directory_)) {
    EXPECT_THAT(entry.path().filename().string(), testing::AnyOf("secret", "f.yaml"));
  }
  const std::string file = Write("file", "");
  EXPECT_THAT(Problems(WithDirectory(file)),
              AllOf(StartsWith("f:2: journal.directory: "), HasSubstr("is not a directory")));
  EXPECT_THAT(Problems(WithDirectory(file + "/below")), HasSubstr("is not a directory"));
  EXPECT_THAT(Problems(WithDirectory("/proc/1/hookbridge")), HasSubstr("cannot write to /proc/1"));
  EXPECT_THAT(Problems(StrCat(kSource, "quarantine: {directory: ", file, "}\n",
                              "journal: {engine: memory, directory: ", file, "}\n")),
              StartsWith("f:2: quarantine.directory: "))
      << "the memory engine has no directory";
}

// A PEM that is none is told where it stands; one that is missing is told once.
TEST_F(ConfigurationTest, CertificatesAreRead) {
  const std::string file = Write("garbage.pem", "no PEM");
  EXPECT_THAT(Problems(StrCat(kSource, "ingress:\n  tls:\n    certificate_chain_file: ", file,
                              "\n    private_key_file: ", file, "\n")),
              AllOf(HasSubstr("f:4: ingress.tls.certificate_chain_file: "),
                    HasSubstr("f:5: ingress.tls.private_key_file: ")));
  const Configuration read = Read(
      StrCat(kSource, "grpc: {tls: {certificate_chain_file: /nonexistent, private_key_file: ", file,
             "}}\n"));
  EXPECT_EQ(read.problems.size(), 1u) << FormatProblems("f", read.problems);
}

// What is unwise is told with its line and stops nothing.
TEST_F(ConfigurationTest, WarningsHaveLines) {
  const Configuration read = Read(StrCat(kSource, "ingress:\n  listen: 0.0.0.0:8080\n"));
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(FormatWarnings("f", read.warnings),
              AllOf(StartsWith("f:3: ingress.listen: warning: "), HasSubstr("without TLS")));
}

}  // namespace
}  // namespace hookbridge
