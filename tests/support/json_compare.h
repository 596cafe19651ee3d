#pragma once

#include "google/protobuf/struct.pb.h"

#include <boost/json.hpp>

#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

namespace hookbridge {

// Whether a Value is what Boost.JSON read. Boost reads numbers with a small error, so they are
// compared nearly; a number that Value holds as its digits is compared by its digits.
inline bool SameJson(const google::protobuf::Value& value, const boost::json::value& json) {
  using google::protobuf::Value;
  const auto near = [](double a, double b) {
    // Boost multiplies by a power of ten: 0e400 is 0 times infinity.
    if (a == b || (std::isinf(a) && std::isinf(b)) || (a == 0 && std::isnan(b))) return true;
    return std::abs(a - b) <= 1e-14 * std::max(std::abs(a), std::abs(b)) + 1e-300;
  };
  if (json.is_number()) {
    const double expected = json.is_double()  ? json.get_double()
                            : json.is_int64() ? static_cast<double>(json.get_int64())
                                              : static_cast<double>(json.get_uint64());
    if (value.kind_case() == Value::kNumberValue) return near(value.number_value(), expected);
    return value.kind_case() == Value::kStringValue &&
           near(std::strtod(value.string_value().c_str(), nullptr), expected);
  }
  switch (value.kind_case()) {
    case Value::kNullValue:
      return json.is_null();
    case Value::kBoolValue:
      return json.is_bool() && json.get_bool() == value.bool_value();
    case Value::kStringValue:
      return json.is_string() && std::string_view(json.get_string().data(),
                                                  json.get_string().size()) == value.string_value();
    case Value::kListValue: {
      if (!json.is_array()) return false;
      const auto& array = json.get_array();
      if (static_cast<int>(array.size()) != value.list_value().values_size()) return false;
      for (int i = 0; i < value.list_value().values_size(); ++i) {
        if (!SameJson(value.list_value().values(i), array[static_cast<size_t>(i)])) return false;
      }
      return true;
    }
    case Value::kStructValue: {
      if (!json.is_object()) return false;
      const auto& object = json.get_object();
      if (object.size() != value.struct_value().fields().size()) return false;
      for (const auto& member : object) {
        const auto it = value.struct_value().fields().find(std::string(member.key()));
        if (it == value.struct_value().fields().end() || !SameJson(it->second, member.value()))
          return false;
      }
      return true;
    }
    default:
      return false;
  }
}

}  // namespace hookbridge
