#include "server/delivery/filter.h"

#include "server/base/limits.h"

#include "google/protobuf/text_format.h"

#include "gtest/gtest.h"

namespace hookbridge {
namespace {

v1::Filter Text(const std::string& text) {
  v1::Filter filter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &filter)) << text;
  return filter;
}

std::string Envelope() {
  v1::Event event;
  event.set_source("shop");
  event.set_type("order.paid");
  event.set_subject("orders/17");
  (*event.mutable_attributes())["tier"] = "gold";
  (*event.mutable_attributes())["empty"] = "";
  return event.SerializeAsString();
}

bool Passes(const std::string& text) {
  EventFilter filter;
  EXPECT_TRUE(EventFilter::Create(Text(text), &filter).ok()) << text;
  return filter.Passes(Envelope());
}

TEST(FilterTest, SelectsBySourceTypeAndSubject) {
  EXPECT_TRUE(Passes(""));
  EXPECT_TRUE(Passes("any_of {}"));
  EXPECT_TRUE(Passes("any_of {sources: ['x', 'shop']}"));
  EXPECT_FALSE(Passes("any_of {sources: ['sho']}"));
  EXPECT_TRUE(Passes("any_of {types: ['order.paid']}"));
  EXPECT_TRUE(Passes("any_of {types: ['order.*']}"));
  EXPECT_TRUE(Passes("any_of {types: ['*']}"));
  EXPECT_FALSE(Passes("any_of {types: ['order']}"));
  EXPECT_FALSE(Passes("any_of {types: ['*.paid']}")) << "a star counts at the end alone";
  EXPECT_TRUE(Passes("any_of {subject_prefix: 'orders/'}"));
  EXPECT_FALSE(Passes("any_of {subject_prefix: 'orders/17/'}"));
}

TEST(FilterTest, ClausesAreAlternativesAndConditionsAllHold) {
  EXPECT_FALSE(Passes("any_of {sources: ['shop'] types: ['x']}"));
  EXPECT_TRUE(Passes("any_of {types: ['x']} any_of {sources: ['shop']}"));
}

TEST(FilterTest, TestsAttributes) {
  EXPECT_TRUE(Passes("any_of {attributes {name: 'tier' equals: 'gold'}}"));
  EXPECT_FALSE(Passes("any_of {attributes {name: 'tier' equals: 'gol'}}"));
  EXPECT_TRUE(Passes("any_of {attributes {name: 'tier' prefix: 'go'}}"));
  EXPECT_TRUE(Passes("any_of {attributes {name: 'tier' present: true}}"));
  EXPECT_FALSE(Passes("any_of {attributes {name: 'tier' present: false}}"));
  EXPECT_TRUE(Passes("any_of {attributes {name: 'none' present: false}}"));
  EXPECT_FALSE(Passes("any_of {attributes {name: 'none' equals: ''}}"));
  EXPECT_TRUE(Passes("any_of {attributes {name: 'empty' equals: ''}}"));
  EXPECT_TRUE(Passes("any_of {attributes {name: 'tier' equals: 'silver' negate: true}}"));
  EXPECT_TRUE(Passes("any_of {attributes {name: 'none' equals: 'x' negate: true}}"));
  EXPECT_FALSE(Passes(
      "any_of {attributes {name: 'tier' present: true} attributes {name: 'none' present: true}}"));
}

TEST(FilterTest, LimitsHoldExactlyAndNameTheField) {
  const auto error = [](const v1::Filter& filter) {
    EventFilter made;
    const RichError created = EventFilter::Create(filter, &made);
    return created.ok() ? std::string() : created.field_violations.at(0).first;
  };
  v1::Filter clauses;
  for (size_t i = 0; i < limits::kFilterClausesMax; ++i) clauses.add_any_of();
  EXPECT_EQ(error(clauses), "");
  clauses.add_any_of();
  EXPECT_EQ(error(clauses), "filter.any_of");
  v1::Filter lists;
  v1::FilterClause& clause = *lists.add_any_of();
  for (size_t i = 0; i < limits::kFilterListMax; ++i) clause.add_types("t");
  EXPECT_EQ(error(lists), "");
  clause.add_types("t");
  EXPECT_EQ(error(lists), "filter.any_of[0]");
  EXPECT_EQ(error(Text("any_of {} any_of {attributes {name: 'a'}}")),
            "filter.any_of[1].attributes");
  EXPECT_EQ(error(Text("any_of {attributes {equals: 'a'}}")), "filter.any_of[0].attributes");
}

}  // namespace
}  // namespace hookbridge
