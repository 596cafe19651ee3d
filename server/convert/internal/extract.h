#pragma once

#include "server/base/json_pointer.h"
#include "server/base/json_tape.h"
#include "server/body/fields.h"
#include "server/body/xml_path.h"
#include "server/convert/internal/json_skim.h"
#include "server/ingress/request.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

// Values of an XML body under their places, as the recipe writes those.
using XmlValues = std::map<std::string, std::string, std::less<>>;

// Where values come from; `json` and `item` may hold no more than WantedPlaces (SoundJson) and are
// null when the body is not JSON, `item` when it was not split, `form` and `xml` when the body is
// no such.
struct ExtractInput {
  const WebhookRequest& request;
  const JsonTape* json = nullptr;
  const JsonTape* item = nullptr;
  const std::vector<BodyField>* form = nullptr;
  const XmlValues* xml = nullptr;
};

// The places of a body that are read, by where they are.
struct Wanted {
  WantedPlaces json;
  WantedPlaces item;
  std::set<std::string> form;
  std::map<std::string, XmlPath> xml;
};

// A ValueSource made ready. Immutable.
class ValuePath {
 public:
  // kInvalidArgument for a place that is not one, a join of joins, and for nothing set.
  static absl::StatusOr<ValuePath> Create(const config::v1::ValueSource& source);

  // The value's text; nullopt when it does not exist, is null, an object or an array, or is not
  // valid UTF-8. Find cuts it at a character after at most limits::kEnvelopeFieldBytesMax bytes.
  std::optional<std::string> Find(const ExtractInput& input) const;
  std::optional<std::string> FindWhole(const ExtractInput& input) const;
  bool reads_form() const { return reads_form_; }
  bool reads_item() const { return reads_item_; }
  // Adds the places that it reads.
  void Want(Wanted& wanted) const;

 private:
  std::optional<std::string> Join(const ExtractInput& input) const;
  std::optional<std::string> FindInForm(const std::vector<BodyField>& fields) const;
  std::optional<std::string> FindInJson(const JsonTape& tape) const;

  config::v1::ValueSource::FromCase kind_ = config::v1::ValueSource::FROM_NOT_SET;
  std::string name_;  // header, field or parameter; the place in an XML body
  std::optional<XmlPath> xml_;
  JsonPointer pointer_;
  std::vector<ValuePath> parts_;  // of a join
  std::string separator_;
  bool reads_form_ = false;
  bool reads_item_ = false;
};

// The envelope's fields as a recipe finds them.
struct Extracted {
  std::string id;  // whole; empty: make a synthetic one
  std::vector<std::string> synthetic_parts;
  std::string type;
  std::optional<absl::Time> time;
  std::string ordering_key;
  std::string subject;
  bool test_mode = false;
  std::vector<std::pair<std::string, std::string>> attributes;
};

// EventRules made ready. Immutable.
class Extractor {
 public:
  // kInvalidArgument, naming the field of recipe.event.
  static absl::StatusOr<Extractor> Create(const config::v1::EventRules& rules);

  Extracted Extract(const ExtractInput& input) const;
  bool reads_form() const { return reads_form_; }
  // Whether any value, and whether the id, comes from the element of a split body.
  bool reads_item() const { return reads_item_; }
  bool id_reads_item() const;
  // All places of the body, of an element of a split body, and of a form, that it reads.
  const WantedPlaces& wanted() const { return wanted_.json; }
  const WantedPlaces& wanted_of_item() const { return wanted_.item; }
  const std::set<std::string>& wanted_of_form() const { return wanted_.form; }
  // Fills in the values that it reads of an XML body. Errors as ReadXml; those before it stay.
  absl::Status ReadXmlBody(std::string_view document, XmlValues& values) const;

 private:
  using Paths = std::vector<ValuePath>;
  struct TypeRow {
    std::vector<std::string> patterns;
    std::string type;
  };

  static std::string FirstWhole(const Paths& paths, const ExtractInput& input);
  static std::string First(const Paths& paths, const ExtractInput& input);
  std::string TypeFromTable(const ExtractInput& input) const;

  Paths id_, synthetic_id_, type_, time_, ordering_key_, subject_, type_inputs_, test_mode_;
  std::string test_mode_equals_;
  std::vector<TypeRow> type_rows_;
  std::vector<std::pair<std::string, ValuePath>> attributes_;
  Wanted wanted_;
  bool reads_form_ = false;
  bool reads_item_ = false;
};

// RFC 3339, or seconds (also with a fraction) or milliseconds since 1970 in digits; nullopt for
// anything else and for years outside 1 to 9999.
std::optional<absl::Time> ReadEventTime(std::string_view text);

}  // namespace hookbridge
