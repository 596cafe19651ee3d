// Lag from the sender's 2xx to each subscriber at a paced rate. Senders are plain blocking sockets
// with a fixed schedule, so a slow answer does not slow the others; subscribers are generated
// stubs.
#include "hookbridge/v1/delivery_service.grpc.pb.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <netinet/tcp.h>
#include <openssl/hmac.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using SteadyClock = std::chrono::steady_clock;
using TimeById = std::unordered_map<std::string, SteadyClock::time_point>;

struct Flags {
  std::string http, grpc, secret, body;
  int rate = 2000;
  int seconds = 10;
  int subscribers = 1;
};

constexpr char kHelp[] =
    R"(lag_bench sends signed webhooks at a rate and prints the lag from 2xx to each subscriber.

  --http HOST:PORT        where to send, to the source `github`
  --grpc HOST:PORT        where to subscribe
  --secret TEXT           its key; its preset is github
  --body FILE             what to send
  --rate N                webhooks a second, default 2000
  --seconds N             for how long, default 10
  --subscribers N         default 1
)";

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) != "--help" && std::string(argv[i]) != "-h") continue;
    std::fputs(kHelp, stdout);
    std::exit(0);
  }
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--http") flags.http = value;
    if (name == "--grpc") flags.grpc = value;
    if (name == "--secret") flags.secret = value;
    if (name == "--body") flags.body = value;
    if (name == "--rate") flags.rate = std::atoi(value.c_str());
    if (name == "--seconds") flags.seconds = std::atoi(value.c_str());
    if (name == "--subscribers") flags.subscribers = std::atoi(value.c_str());
  }
  return flags;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string HexMac(const std::string& secret, const std::string& body) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), mac, &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", mac[i]);
    hex += digits;
  }
  return hex;
}

int Connect(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + colon + 1)));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &peer.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

// Sends one request and returns the event's id from the answer.
std::string Post(int fd, const std::string& request) {
  if (write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size())) return "";
  std::string answer;
  char buffer[2048];
  while (answer.find("\"}") == std::string::npos) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got <= 0) return "";
    answer.append(buffer, static_cast<size_t>(got));
  }
  const size_t at = answer.find("{\"id\":\"");
  return at == std::string::npos ? "" : answer.substr(at + 7, 36);
}

void Send(const Flags& flags, int sender, int senders, TimeById* acked) {
  const std::string body = ReadFile(flags.body);
  const std::string head =
      "POST /hooks/github HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
      "X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=" +
      HexMac(flags.secret, body) + "\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nX-GitHub-Delivery: lag-" + std::to_string(getpid()) + "-" + std::to_string(sender) + "-";
  const int fd = Connect(flags.http);
  const int count = flags.rate * flags.seconds / senders;
  const auto interval = std::chrono::nanoseconds(1'000'000'000LL * senders / flags.rate);
  auto due = SteadyClock::now() + interval * sender / senders;
  for (int i = 0; i < count; ++i, due += interval) {
    std::this_thread::sleep_until(due);
    const std::string id = Post(fd, head + std::to_string(i) + "\r\n\r\n" + body);
    if (!id.empty()) acked->emplace(id, SteadyClock::now());
  }
  close(fd);
}

void Receive(const Flags& flags, int events, std::atomic<int>* started, TimeById* arrived) {
  auto stub = hookbridge::v1::DeliveryService::NewStub(
      grpc::CreateChannel(flags.grpc, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(flags.seconds + 20));
  hookbridge::v1::SubscribeRequest request;
  request.mutable_cursor_read()->set_preset(hookbridge::v1::START_PRESET_LATEST);
  request.mutable_cursor_read()->set_stop_after_events(static_cast<uint64_t>(events));
  auto reader = stub->Subscribe(&context, request);
  hookbridge::v1::SubscribeResponse response;
  while (reader->Read(&response)) {
    const auto now = SteadyClock::now();
    if (response.has_started()) started->fetch_add(1);
    for (const auto& delivery : response.batch().deliveries()) {
      arrived->emplace(delivery.event().id(), now);
    }
  }
  reader->Finish();
}

}  // namespace

int main(int argc, char** argv) {
  const Flags flags = ParseFlags(argc, argv);
  constexpr int kSenders = 16;
  const int events = flags.rate * flags.seconds / kSenders * kSenders;
  std::atomic<int> started{0};
  std::vector<TimeById> arrived(static_cast<size_t>(flags.subscribers));
  std::vector<std::thread> receivers;
  for (TimeById& times : arrived) {
    receivers.emplace_back([&] { Receive(flags, events, &started, &times); });
  }
  while (started.load() < flags.subscribers) std::this_thread::yield();

  std::vector<TimeById> acked(kSenders);
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) {
    senders.emplace_back([&, i] { Send(flags, i, kSenders, &acked[static_cast<size_t>(i)]); });
  }
  for (std::thread& thread : senders) thread.join();
  for (std::thread& thread : receivers) thread.join();

  std::vector<double> lags;
  size_t sent = 0;
  for (const TimeById& times : acked) {
    sent += times.size();
    for (const auto& [id, at] : times) {
      for (const TimeById& subscriber : arrived) {
        const auto it = subscriber.find(id);
        if (it == subscriber.end()) continue;
        const double ms = std::chrono::duration<double, std::milli>(it->second - at).count();
        lags.push_back(std::max(ms, 0.0));
      }
    }
  }
  std::sort(lags.begin(), lags.end());
  if (lags.empty()) {
    std::fprintf(stderr, "nothing arrived\n");
    return 1;
  }
  const auto percentile = [&](double p) {
    return lags[static_cast<size_t>(p * static_cast<double>(lags.size() - 1))];
  };
  std::printf(
      "subscribers %d: acknowledged %zu, arrived %zu of %zu, lag ms p50 %.2f p99 %.2f max %.2f\n",
      flags.subscribers, sent, lags.size(), sent * arrived.size(), percentile(0.5),
      percentile(0.99), lags.back());
  return lags.size() == sent * arrived.size() ? 0 : 1;
}
