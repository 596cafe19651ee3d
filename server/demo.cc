#include "server/demo.h"

#include "server/base/config.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/journal/journal_directory.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

namespace hookbridge {
namespace {

std::string NewSecret() {
  std::array<unsigned char, 32> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return StrCat("whsec_",
                Base64Encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

absl::Status FileError(const std::string& path) {
  return absl::UnavailableError(StrCat(path, ": ", std::strerror(errno)));
}

// Creates the file with a new secret unless it is there.
absl::Status EnsureSecretFile(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (absl::Status status = MakeDirectories(directory, fsync); !status.ok()) return status;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return errno == EEXIST ? absl::OkStatus() : FileError(path);
  const std::string secret = NewSecret() + "\n";
  const bool written =
      write(fd, secret.data(), secret.size()) == static_cast<ssize_t>(secret.size());
  const bool closed = close(fd) == 0;
  return written && closed ? absl::OkStatus() : FileError(path);
}

}  // namespace

config::v1::Config DemoConfig() {
  config::v1::Config config;
  config::v1::Source& demo = *config.add_sources();
  demo.set_name("demo");
  demo.set_preset("standard_webhooks");
  ApplyDefaults(&config);
  return config;
}

absl::Status PrepareDemo(config::v1::Config& config) {
  config::v1::Key& key = *config.mutable_sources(0)->add_keys();
  key.set_id("demo");
  std::string text;
  std::string reference;
  if (config.journal().engine() == config::v1::JOURNAL_ENGINE_MEMORY) {
    text = NewSecret();
    reference = StrCat("inline:", text);
    key.mutable_secret()->set_inline_(text);
  } else {
    const std::string path = StrCat(config.journal().directory(), "/demo-secret");
    if (const absl::Status status = EnsureSecretFile(path); !status.ok()) return status;
    key.mutable_secret()->set_file(path);
    const auto secret = ResolveSecret(key.secret());
    if (!secret.ok()) return secret.status();
    text = *secret;
    reference = StrCat("file:", path);
  }
  std::fprintf(stderr,
               "No configuration: source `demo` takes Standard Webhooks signed with\n  %s\nTry\n"
               "  hookctl send standard_webhooks --url http://%s/hooks/demo --secret %s\n",
               text.c_str(), config.ingress().listen().c_str(), reference.c_str());
  return absl::OkStatus();
}

}  // namespace hookbridge
