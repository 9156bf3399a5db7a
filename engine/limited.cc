#include "engine/limited.h"

#include <utility>

namespace callisto::kv {
namespace {

class LimitedCursor final : public Cursor {
 public:
  LimitedCursor(std::unique_ptr<Cursor> base, const Limits& limits)
      : base_(std::move(base)), sampled_(limits), checked_(sampled_.check()) {}

  bool valid() const override { return checked_.has_value() && base_->valid(); }
  std::string_view key() const override { return base_->key(); }
  std::string_view value() const override { return base_->value(); }
  void next() override {
    checked_ = sampled_.check();
    if (checked_) base_->next();
  }
  void seek(std::string_view key) override {
    checked_ = sampled_.check();
    if (checked_) base_->seek(key);
  }
  Result<void> status() const override { return checked_ ? base_->status() : checked_; }
  std::optional<DamagedRange> skip_damage(std::string_view read) override {
    if (!checked_) return std::nullopt;
    return base_->skip_damage(read);
  }
  Result<Bytes> row(RowCheck check) const override { return base_->row(check); }
  std::string_view position(std::size_t prefix_bytes) const override {
    return base_->position(prefix_bytes);
  }
  ListEntry* remembered() const override { return base_->remembered(); }

 private:
  std::unique_ptr<Cursor> base_;
  SampledLimits sampled_;
  Result<void> checked_;
};

}  // namespace

Result<bool> LimitedReader::get(Family family, std::string_view key, Value& value) {
  if (auto checked = sampled_.check(); !checked) return std::move(checked).error();
  return base_.get(family, key, value);
}

Result<void> LimitedReader::multi_get(
    Family family, std::span<const std::string> keys,
    const std::function<void(std::size_t, std::string_view)>& each) {
  if (auto checked = limits_.check(); !checked) return checked;
  return base_.multi_get(family, keys, each);
}

Result<Bytes> LimitedReader::get_row(Family family, std::string_view key, RowCheck check) {
  if (auto checked = sampled_.check(); !checked) return std::move(checked).error();
  return base_.get_row(family, key, check);
}

Result<void> LimitedReader::get_rows(Family family, std::span<const std::string> keys,
                                     RowCheck check, std::span<Bytes> rows,
                                     std::span<const HintRef> hints, std::size_t place) {
  if (auto checked = limits_.check(); !checked) return checked;
  return base_.get_rows(family, keys, check, rows, hints, place);
}

std::unique_ptr<Cursor> LimitedReader::scan(Family family, const Bounds& bounds) {
  return std::make_unique<LimitedCursor>(base_.scan(family, bounds), limits_);
}

}  // namespace callisto::kv
