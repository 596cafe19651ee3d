#pragma once

#include "server/base/json_pointer.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Places of a JSON text that are to be found whatever is wrong elsewhere in it. Immutable once all
// are wanted.
class WantedPlaces {
 public:
  // Deeper ones than limits::kJsonDepthMaxHard are left out: no body has a value there.
  void Want(const JsonPointer& pointer);

 private:
  friend class JsonSkimmer;
  struct Place {
    bool is_wanted = false;
    std::map<std::string, Place, std::less<>> below;
  };
  Place root_;
};

// A JSON text of what is at the wanted places alone, and of empty objects, nulls and lists around
// it, made of a text that no strict reader takes: a value is in it when the value itself and all
// keys on the way are sound (RFC 8259, UTF-8) and no other member has such a key. Where text cannot
// be followed (a bracket or a quote that does not close), what was found before counts. Goes over
// the text once; memory is bounded by it. Pure.
std::string SoundJson(std::string_view text, const WantedPlaces& wanted);

// The elements of the array there, when the whole text can be followed by its brackets and quotes,
// all are objects and there are at most `count_max`; else empty. None of them need be sound.
std::vector<std::string_view> SkimElements(std::string_view text, const JsonPointer& array,
                                           size_t count_max);

}  // namespace hookbridge
