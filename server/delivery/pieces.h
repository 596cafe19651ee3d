#pragma once

#include "server/base/event.h"

#include "hookbridge/v1/event.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// One stretch of a message's wire form: bytes of its own, or a view into an event that it keeps.
struct Piece {
  std::string owned;
  StoredEventPtr event;  // set: `shared` points into it
  std::string_view shared;

  std::string_view bytes() const { return event == nullptr ? std::string_view(owned) : shared; }
};

// A message as stretches, so that subscribers share the bytes of an event. Copies what is small.
class PieceWriter {
 public:
  std::string& own() { return own_; }
  void Share(const StoredEventPtr& event, std::string_view run);
  std::vector<Piece> Finish();

 private:
  std::string own_;
  std::vector<Piece> pieces_;
};

// Which runs a view has.
struct ViewRuns {
  bool data = false;
  bool raw = false;
};
ViewRuns RunsOf(v1::PayloadView view);

// Fields 1, 9 and 14 of Event: what the journal gave it.
std::string PositionRun(const StoredEvent& event);

// The whole event in one view, for unary answers. `event` has its data run when the view wants it.
std::string EventWire(const StoredEvent& event, ViewRuns runs);
size_t EventWireBytes(const StoredEvent& event, ViewRuns runs);

}  // namespace hookbridge
