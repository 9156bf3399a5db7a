#include "engine/ended_cursor.h"

#include <utility>

namespace callisto::kv {

namespace {

class EndedCursor final : public Cursor {
 public:
  explicit EndedCursor(Result<void> status) : status_(std::move(status)) {}
  bool valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  void next() override {}
  void seek(std::string_view) override {}
  Result<void> status() const override { return status_; }

 private:
  Result<void> status_;
};

}  // namespace

std::unique_ptr<Cursor> ended_cursor(Result<void> status) {
  return std::make_unique<EndedCursor>(std::move(status));
}

}  // namespace callisto::kv
