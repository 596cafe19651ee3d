// A whole subscriber: prints the events of one source and goes on where it stopped.
//
//   subscribe 127.0.0.1:9090 demo /tmp/demo.cursor
//
// Kill it at any point and start it again: events that were not handled come, handled ones do not,
// except perhaps the last batch. A real service does its work where this one prints, and remembers
// (source, dedup_key) with the work, so that a repeat has no effect.

#include "client/cpp/error.h"
#include "client/cpp/subscriber.h"

#include <csignal>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

namespace {

std::string ReadCursor(const std::string& path) {
  std::string cursor;
  std::ifstream(path) >> cursor;
  return cursor;
}

// A service with a database keeps the cursor there, in the transaction of its work.
absl::Status SaveCursor(const std::string& path, const std::string& cursor) {
  std::ofstream file(path, std::ios::trunc);
  file << cursor << std::endl;
  return file ? absl::OkStatus() : absl::UnavailableError(path + ": cannot be written");
}

hookbridge::Verdict PrintEvent(const hookbridge::v1::Delivery& delivery) {
  const hookbridge::v1::Event& event = delivery.event();
  std::cout << event.source() << ' ' << event.type() << ' ' << event.dedup_key() << std::endl;
  return hookbridge::Verdict::kContinue;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: subscribe HOST:PORT SOURCE CURSOR_FILE\n";
    return 2;
  }
  const std::string cursor_file = argv[3];

  hookbridge::SubscriberOptions options;
  options.connection.target = argv[1];
  options.read.mutable_filter()->add_any_of()->add_sources(argv[2]);
  if (const std::string cursor = ReadCursor(cursor_file); !cursor.empty()) {
    options.read.set_after_cursor(cursor);
  } else {
    options.read.set_preset(hookbridge::v1::START_PRESET_EARLIEST);
  }

  hookbridge::SubscriberHandlers handlers;
  handlers.on_event = PrintEvent;
  handlers.save_cursor = [&](const std::string& cursor) { return SaveCursor(cursor_file, cursor); };
  handlers.on_disconnect = [](const absl::Status& status, absl::Duration wait) {
    std::cerr << status << "; again in " << wait << '\n';
    return true;
  };

  // Ctrl-C ends cleanly: the signal is waited for by a thread, because Stop takes a lock.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto subscriber = hookbridge::Subscriber::Create(options, handlers);
  if (!subscriber.ok()) {
    std::cerr << subscriber.status() << '\n';
    return 1;
  }
  std::thread stopper([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    (*subscriber)->Stop();
  });
  const absl::Status status = (*subscriber)->Run();
  pthread_kill(stopper.native_handle(), SIGTERM);
  stopper.join();
  if (status.ok()) return 0;
  // CURSOR_EXPIRED: the bridge no longer keeps what came after our cursor. Going on from
  // `oldest_cursor` is a decision, because events are missing.
  std::cerr << hookbridge::ErrorReason(status) << ' ' << status << '\n';
  return 1;
}
