#include "server/rpc/worker.h"

#include "server/base/limits.h"

#include "gtest/gtest.h"

#include <atomic>
#include <future>

namespace hookbridge {
namespace {

// What waits is bounded; what was taken runs.
TEST(WorkerTest, WaitingCallsAtTheirLimitAndOneMore) {
  std::atomic<size_t> done{0};
  {
    std::promise<void> begun;
    std::promise<void> go;
    Worker worker;
    ASSERT_TRUE(worker.Do([&] {
      begun.set_value();
      go.get_future().wait();
    }));
    begun.get_future().wait();
    for (size_t i = 0; i < limits::kAdminCallsMax; ++i) EXPECT_TRUE(worker.Do([&] { ++done; }));
    EXPECT_FALSE(worker.Do([&] { ++done; }));
    go.set_value();
  }
  EXPECT_EQ(done, limits::kAdminCallsMax);
}

}  // namespace
}  // namespace hookbridge
