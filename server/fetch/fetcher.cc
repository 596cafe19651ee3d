#include "server/fetch/fetcher.h"

#include "server/base/https_url.h"
#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/fetch/internal/exchange.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <deque>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace hookbridge {

namespace asio = boost::asio;

// Admission on the callers' threads, under the mutex; everything else on its own.
class Fetcher::Core {
 public:
  explicit Core(FetcherOptions options)
      : options_(std::move(options)),
        tls_(asio::ssl::context::tls_client),
        work_(context_.get_executor()),
        sweep_timer_(context_) {}
  ~Core() { Stop(); }

  absl::Status Start();
  void Send(FetchRequest request, FetchDone done);
  void Stop();

 private:
  using Time = Exchange::Time;

  struct Ticket {
    HttpsUrl url;
    std::string owner;
    std::string bearer;
    std::string body;
    std::string share_key;  // empty: not shared
    Time deadline;
    std::vector<FetchDone> waiters;
  };
  using TicketPtr = std::shared_ptr<Ticket>;

  absl::Status Admit(FetchRequest& request, FetchDone& done) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t Share(size_t places) const { return std::max<size_t>(places / 2, 1); }
  void Pump() ABSL_LOCKS_EXCLUDED(mutex_);
  void Sweep(Time now) ABSL_LOCKS_EXCLUDED(mutex_);
  TicketPtr TakeNext() ABSL_LOCKS_EXCLUDED(mutex_);
  void Run(TicketPtr ticket);
  void End(const TicketPtr& ticket, const absl::StatusOr<FetchResult>& result, bool was_running)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void CancelAll() ABSL_LOCKS_EXCLUDED(mutex_);

  const FetcherOptions options_;
  asio::io_context context_;
  asio::ssl::context tls_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer sweep_timer_;
  std::set<std::shared_ptr<Exchange>> running_;  // the thread's own

  Mutex mutex_;
  std::deque<TicketPtr> waiting_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, TicketPtr> shared_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, size_t> of_owner_ ABSL_GUARDED_BY(mutex_);          // waiting and running
  std::map<std::string, size_t> running_of_owner_ ABSL_GUARDED_BY(mutex_);  // running
  size_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

absl::Status Fetcher::Core::Start() {
  boost::system::error_code error;
  tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1,
                   error);
  tls_.set_default_verify_paths(error);
  if (!error && !options_.extra_authorities_pem.empty()) {
    tls_.add_certificate_authority(asio::buffer(options_.extra_authorities_pem), error);
  }
  if (!error) tls_.set_verify_mode(asio::ssl::verify_peer, error);
  if (error) return absl::InternalError(StrCat("certificate authorities: ", error.message()));
  thread_ = std::thread([this] { context_.run(); });
  return absl::OkStatus();
}

absl::Status Fetcher::Core::Admit(FetchRequest& request, FetchDone& done) {
  auto url = ParseHttpsUrl(request.url);
  if (!url || url->host != request.host) {
    return absl::InvalidArgumentError(StrCat("not an https URL on ", request.host));
  }
  if (request.body.size() > limits::kFetchBodyBytesMax) {
    return absl::InvalidArgumentError("the body is too large");
  }
  MutexLock lock(mutex_);
  if (stopped_) return absl::CancelledError("stopped");
  const std::string share_key =
      request.shared && request.bearer.empty() ? StrCat(request.url, "\n", request.body) : "";
  if (const auto it = shared_.find(share_key); it != shared_.end()) {
    // Each of these waits in a request that holds a part of the body budget.
    it->second->waiters.push_back(std::move(done));
    return absl::OkStatus();
  }
  const size_t places = options_.in_flight_max + options_.waiting_max;
  size_t& of_owner = of_owner_[request.owner];
  if (in_flight_ + waiting_.size() >= places || of_owner >= Share(places)) {
    if (of_owner == 0) of_owner_.erase(request.owner);
    return absl::ResourceExhaustedError("too many requests of the bridge's own are waiting");
  }
  ++of_owner;
  auto ticket = std::make_shared<Ticket>();
  ticket->url = *std::move(url);
  ticket->owner = std::move(request.owner);
  ticket->bearer = std::move(request.bearer);
  ticket->body = std::move(request.body);
  ticket->share_key = share_key;
  ticket->deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(options_.timeout);
  ticket->waiters.push_back(std::move(done));
  if (!share_key.empty()) shared_[share_key] = ticket;
  waiting_.push_back(std::move(ticket));
  return absl::OkStatus();
}

void Fetcher::Core::Send(FetchRequest request, FetchDone done) {
  if (absl::Status status = Admit(request, done); !status.ok()) {
    done(std::move(status));
    return;
  }
  asio::post(context_, [this] { Pump(); });
}

// Waiting requests are in the order of their deadlines.
void Fetcher::Core::Sweep(Time now) {
  while (true) {
    TicketPtr late;
    {
      MutexLock lock(mutex_);
      if (waiting_.empty()) return;
      if (waiting_.front()->deadline > now) {
        sweep_timer_.expires_at(waiting_.front()->deadline);
        break;
      }
      late = std::move(waiting_.front());
      waiting_.pop_front();
    }
    End(late, absl::DeadlineExceededError("waited too long for others"), /*was_running=*/false);
  }
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Pump();
  });
}

Fetcher::Core::TicketPtr Fetcher::Core::TakeNext() {
  MutexLock lock(mutex_);
  if (in_flight_ >= options_.in_flight_max) return nullptr;
  for (auto next = waiting_.begin(); next != waiting_.end(); ++next) {
    const auto running = running_of_owner_.find((*next)->owner);
    if (running != running_of_owner_.end() && running->second >= Share(options_.in_flight_max)) {
      continue;
    }
    TicketPtr ticket = std::move(*next);
    waiting_.erase(next);
    ++in_flight_;
    ++running_of_owner_[ticket->owner];
    return ticket;
  }
  return nullptr;
}

void Fetcher::Core::Pump() {
  while (TicketPtr ticket = TakeNext()) Run(std::move(ticket));
  Sweep(std::chrono::steady_clock::now());
}

void Fetcher::Core::Run(TicketPtr ticket) {
  Exchange::Job job{.url = ticket->url,
                    .bearer = ticket->bearer,
                    .body = ticket->body,
                    .deadline = ticket->deadline};
  // The exchange is known by its address: it is gone from `running_` when it has ended.
  auto self = std::make_shared<std::shared_ptr<Exchange>>();
  auto exchange = std::make_shared<Exchange>(
      context_, tls_, options_, std::move(job),
      [this, self, ticket](absl::StatusOr<FetchResult> result) {
        const std::shared_ptr<Exchange> ended = std::exchange(*self, nullptr);
        running_.erase(ended);
        End(ticket, result, /*was_running=*/true);
        asio::post(context_, [this] { Pump(); });
      });
  *self = exchange;
  running_.insert(exchange);
  exchange->Start();
}

void Fetcher::Core::End(const TicketPtr& ticket, const absl::StatusOr<FetchResult>& result,
                        bool was_running) {
  std::vector<FetchDone> waiters;
  {
    MutexLock lock(mutex_);
    if (!ticket->share_key.empty()) shared_.erase(ticket->share_key);
    if (--of_owner_[ticket->owner] == 0) of_owner_.erase(ticket->owner);
    if (was_running) {
      --in_flight_;
      if (--running_of_owner_[ticket->owner] == 0) running_of_owner_.erase(ticket->owner);
    }
    waiters.swap(ticket->waiters);
  }
  for (FetchDone& waiter : waiters) waiter(result);
}

void Fetcher::Core::CancelAll() {
  std::deque<TicketPtr> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(waiting_);
  }
  const absl::Status cancelled = absl::CancelledError("stopped");
  for (const TicketPtr& ticket : waiting) End(ticket, cancelled, /*was_running=*/false);
  const auto running = running_;
  for (const auto& exchange : running) exchange->Finish(cancelled);
}

void Fetcher::Core::Stop() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    CancelAll();
    sweep_timer_.cancel();
    context_.stop();
  });
  thread_.join();
}

Fetcher::Fetcher(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Fetcher::~Fetcher() = default;

absl::StatusOr<std::unique_ptr<Fetcher>> Fetcher::Start(FetcherOptions options) {
  auto core = std::make_unique<Core>(std::move(options));
  if (absl::Status status = core->Start(); !status.ok()) return status;
  return std::unique_ptr<Fetcher>(new Fetcher(std::move(core)));
}

void Fetcher::Send(FetchRequest request, FetchDone done) {
  core_->Send(std::move(request), std::move(done));
}

void Fetcher::Stop() { core_->Stop(); }

}  // namespace hookbridge
