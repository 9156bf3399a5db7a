#include "api/check.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <vector>

#include "tests/support/failure.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

using detail::Envelope;
using schema::fb::MemoryT;

TEST(CheckTest, TimesHaveARange) {
  const std::string limit = ": -004713-11-24T00:00:00.000000Z to +294246-12-31T23:59:59.999999Z";
  EXPECT_TRUE(detail::check_time(kMinTime, "at"));
  EXPECT_TRUE(detail::check_time(kMaxTime, "at"));
  EXPECT_TRUE(detail::check_time(std::optional<Time>(), "at"));
  EXPECT_EQ(failure_of(detail::check_time(Time(kMinTime.micros() - 1), "at")),
            "invalid_argument at" + limit);
  EXPECT_EQ(failure_of(detail::check_time(std::optional(Time(kMaxTime.micros() + 1)), "at")),
            "invalid_argument at" + limit);
}

TEST(CheckTest, RangesRunForward) {
  EXPECT_TRUE(detail::check_range({}, "created"));
  EXPECT_TRUE(detail::check_range({.from = Time(1), .to = Time(1)}, "created"));
  EXPECT_EQ(failure_of(detail::check_range({.from = Time(2), .to = Time(1)}, "created")),
            "invalid_argument created: from is not after to");
  const Time out(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(detail::check_range({.from = out}, "created").error().field(), "created.from");
  EXPECT_EQ(detail::check_range({.to = out}, "created").error().field(), "created.to");
}

TEST(CheckTest, NumbersHaveRanges) {
  EXPECT_TRUE(detail::check_importance(0.0F, "importance"));
  EXPECT_TRUE(detail::check_importance(1.0F, "importance"));
  for (const float bad : {-0.001F, 1.001F, std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(failure_of(detail::check_importance(bad, "importance")),
              "invalid_argument importance: 0 to 1");
  }
  EXPECT_TRUE(detail::check_priority(1, "priority"));
  EXPECT_TRUE(detail::check_priority(10, "priority"));
  EXPECT_EQ(failure_of(detail::check_priority(0, "priority")),
            "invalid_argument priority: 1 to 10");
  EXPECT_EQ(failure_of(detail::check_priority(11, "priority")),
            "invalid_argument priority: 1 to 10");
}

TEST(CheckTest, ALimitOfNoneIsTheDefault) {
  EXPECT_EQ(detail::check_limit(0).value(), 100U);
  EXPECT_EQ(detail::check_limit(1).value(), 1U);
  EXPECT_EQ(detail::check_limit(10'000).value(), 10'000U);
  EXPECT_EQ(failure_of(detail::check_limit(10'001)), "invalid_argument limit: at most 10000");
}

TEST(CheckTest, JsonIsTextOrNothing) {
  EXPECT_TRUE(detail::check_json("", "value", true).value().empty());
  EXPECT_FALSE(detail::check_json("[1]", "value", false).value().empty());
  EXPECT_EQ(detail::check_json("[1]", "metadata", true).error().field(), "metadata");
  EXPECT_EQ(detail::check_json("nul", "value", false).error().code(), Code::invalid_argument);
}

TEST(CheckTest, CallersAreChecked) {
  EXPECT_TRUE(detail::check_caller({}));
  EXPECT_EQ(failure_of(detail::check_caller({.agent = std::string(65, 'x')})),
            "invalid_argument caller.agent: at most 64 code points");
  EXPECT_EQ(detail::check_caller({.module = "\x80"}).error().field(), "caller.module");
  EXPECT_EQ(detail::check_caller({.task = std::string(256, 'x')}).error().field(), "caller.task");
}

TEST(CheckTest, VersionsAreCompared) {
  EXPECT_TRUE(detail::check_version({}, 7));
  EXPECT_TRUE(detail::check_version({.if_version = 7}, 7));
  EXPECT_EQ(failure_of(detail::check_version({.if_version = 6}, 7)),
            "version_mismatch if_version: the stored version is 7");
}

TEST(CheckTest, EnvelopesAreChecked) {
  const auto field_of = [](const Envelope& envelope) {
    return detail::check_envelope(envelope).error().field();
  };
  EXPECT_TRUE(detail::check_envelope({}));
  EXPECT_EQ(field_of({.created_at = Time(kMaxTime.micros() + 1)}), "created_at");
  EXPECT_EQ(field_of({.metadata = "7"}), "metadata");
  EXPECT_EQ(field_of({.external_id = "\xff"}), "external_id");
  const std::string long_source(65, 'x');
  EXPECT_EQ(field_of({.external_source = long_source}), "external_source");
  const std::optional<Origin> no_version = Origin{Time(1), 0};
  EXPECT_EQ(field_of({.origin = &no_version}), "origin.version");
  const std::optional<Origin> no_time = Origin{Time(kMinTime.micros() - 1), 1};
  EXPECT_EQ(field_of({.origin = &no_time}), "origin.updated_at");
}

TEST(CheckTest, AnEnvelopeIsMadeUpWhereNothingIsGiven) {
  TestEnvironment environment;
  MadeIds ids(environment);
  MemoryT fields;
  ASSERT_TRUE(detail::fill_envelope(fields, {}, ids, Time(50)));
  const UuidBytes id = schema::from_fb<MemoryId>(&fields.stamp->id()).bytes();
  EXPECT_EQ(id[6] >> 4, 7);
  EXPECT_EQ(fields.stamp->version(), 1U);
  EXPECT_EQ(fields.stamp->created_at(), 50);
  EXPECT_EQ(fields.stamp->recorded_at(), 50);
  EXPECT_EQ(fields.stamp->updated_at(), 50);
  EXPECT_TRUE(fields.metadata.empty());
  ASSERT_TRUE(detail::fill_envelope(fields, {}, ids, Time(50), Time(40)));
  EXPECT_EQ(fields.stamp->created_at(), 40);
  EXPECT_EQ(fields.stamp->updated_at(), 40);
  EXPECT_EQ(fields.stamp->recorded_at(), 50);
}

TEST(CheckTest, AnAttemptMoreMakesTheSameIds) {
  TestEnvironment environment;
  MadeIds ids(environment);
  std::vector<UuidBytes> first;
  for (int i = 0; i < 9; ++i) first.push_back(ids.next());
  environment.advance_seconds(1);
  ids.restart();
  for (const UuidBytes& id : first) EXPECT_EQ(ids.next(), id);
  first.push_back(ids.next());
  EXPECT_EQ(std::set<UuidBytes>(first.begin(), first.end()).size(), first.size());
}

TEST(CheckTest, AnEnvelopeKeepsWhatIsGiven) {
  TestEnvironment environment;
  MadeIds ids(environment);
  const auto id = MemoryId::from_external("test", "1");
  const std::optional<Origin> origin = Origin{Time(30), 9};
  MemoryT fields;
  ASSERT_TRUE(detail::fill_envelope(fields,
                                    {.id = id.bytes(),
                                     .created_at = Time(20),
                                     .metadata = R"({"a":1})",
                                     .external_id = "e",
                                     .external_source = "s",
                                     .origin = &origin},
                                    ids, Time(50), Time(40)));
  EXPECT_EQ(schema::from_fb<MemoryId>(&fields.stamp->id()), id);
  EXPECT_EQ(fields.stamp->version(), 9U);
  EXPECT_EQ(fields.stamp->created_at(), 20);
  EXPECT_EQ(fields.stamp->updated_at(), 30);
  EXPECT_EQ(fields.external_id, "e");
  EXPECT_EQ(fields.external_source, "s");
  EXPECT_FALSE(fields.metadata.empty());

  detail::touch_envelope(fields, Time(60));
  EXPECT_EQ(fields.stamp->version(), 10U);
  EXPECT_EQ(fields.stamp->updated_at(), 60);
  detail::touch_envelope(fields, Time(10));
  EXPECT_EQ(fields.stamp->version(), 11U);
  EXPECT_EQ(fields.stamp->updated_at(), 60);
  EXPECT_EQ(fields.stamp->created_at(), 20);
  EXPECT_EQ(fields.stamp->recorded_at(), 50);
}

class EqualContentTest : public ::testing::Test {
 protected:
  MemoryT made(const Envelope& envelope, Time now, const std::string& text) {
    MemoryT fields;
    fields.text = text;
    MadeIds ids(environment_);
    EXPECT_TRUE(detail::fill_envelope(fields, envelope, ids, now));
    return fields;
  }
  bool is_equal(const Envelope& first, const Envelope& second, const std::string& text = "t") {
    const auto stored = schema::encode<schema::fb::Memory>(made(first, Time(1), "t")).value();
    return detail::has_equal_content<schema::fb::Memory>(
        schema::take<schema::fb::Memory>(stored).value(), made(second, Time(2), text), second);
  }

  TestEnvironment environment_;
  const UuidBytes id_ = MemoryId::from_external("test", "1").bytes();
};

TEST_F(EqualContentTest, TimesThatTheStoreMadeUpDoNotCount) {
  EXPECT_TRUE(is_equal({.id = id_}, {.id = id_}));
  EXPECT_TRUE(is_equal({.id = id_, .created_at = Time(9)}, {.id = id_, .created_at = Time(9)}));
}

TEST_F(EqualContentTest, WhatTheCallerGivesCounts) {
  EXPECT_FALSE(is_equal({.id = id_}, {.id = id_}, "other"));
  EXPECT_FALSE(is_equal({.id = id_, .created_at = Time(9)}, {.id = id_, .created_at = Time(8)}));
  EXPECT_FALSE(is_equal({.id = id_}, {.id = id_, .metadata = R"({"a":1})"}));
  EXPECT_FALSE(is_equal({.id = id_}, {.id = id_, .external_id = "e"}));
  const std::optional<Origin> origin = Origin{Time(1), 2};
  EXPECT_FALSE(is_equal({.id = id_}, {.id = id_, .origin = &origin}));
  EXPECT_TRUE(is_equal({.id = id_, .origin = &origin}, {.id = id_, .origin = &origin}));
}

}  // namespace
}  // namespace callisto::testing
