#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hookbridge {

// A queue of several flows that takes turns by cost: each flow in its own order, and of two flows
// that both wait, neither gets ahead of the other by more than one item's cost (start-time fair
// queueing, Goyal, Vin and Cheng 1996). A flow that comes back after it was empty has neither saved
// up nor to wait for the others' past. Not bounded: its owner counts. Threads: thread-compatible.
template <typename T>
class FairQueue {
 public:
  void Push(std::string_view flow, uint64_t cost, T item) {
    auto it = flows_.find(flow);
    if (it == flows_.end()) {
      it = flows_.try_emplace(std::string(flow)).first;
      it->second.turn = {now_, flows_seen_++};
      order_.emplace(it->second.turn, &*it);
    }
    it->second.items.push_back({cost, std::move(item)});
    ++size_;
  }

  // The next item; nullopt when there is none.
  std::optional<T> Pop() {
    if (order_.empty()) return std::nullopt;
    const auto first = order_.begin();
    Named& named = *first->second;
    order_.erase(first);
    Flow& flow = named.second;
    now_ = flow.turn.first;
    Item item = std::move(flow.items.front());
    flow.items.pop_front();
    --size_;
    if (flow.items.empty()) {
      flows_.erase(named.first);
    } else {
      flow.turn.first += std::max<uint64_t>(item.cost, 1);
      order_.emplace(flow.turn, &named);
    }
    return std::move(item.value);
  }

  // What Pop would give; null when there is nothing.
  const T* Peek() const {
    return order_.empty() ? nullptr : &order_.begin()->second->second.items.front().value;
  }
  // Its cost; 0 when there is nothing.
  uint64_t next_cost() const {
    return order_.empty() ? 0 : order_.begin()->second->second.items.front().cost;
  }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  struct Item {
    uint64_t cost;
    T value;
  };
  // When a flow's first item starts on the queue's own clock, which counts cost; of equal ones the
  // flow that waits longer.
  using Turn = std::pair<uint64_t, uint64_t>;
  struct Flow {
    Turn turn;
    std::deque<Item> items;
  };
  using Named = std::pair<const std::string, Flow>;

  std::map<std::string, Flow, std::less<>> flows_;  // only those that wait
  std::map<Turn, Named*> order_;
  uint64_t now_ = 0;
  uint64_t flows_seen_ = 0;
  size_t size_ = 0;
};

}  // namespace hookbridge
