#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "callisto/error.h"
#include "callisto/export.h"

namespace callisto {

namespace detail {
/// Ends the program with the error's text: value() of an error is a programming error.
[[noreturn]] CALLISTO_API void die_of(const Error& error) noexcept;
}  // namespace detail

/// A value or an Error, with the vocabulary of std::expected. Usable under -fno-exceptions.
/// `operator*` and `operator->` require has_value(); value() of an error ends the program with the
/// error's text (for examples and tests). value() of a temporary returns by value, so a range-for
/// over `store.messages().latest(id, 20).value()` is safe.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, T>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  T& value() & { return check(), **this; }
  const T& value() const& { return check(), **this; }
  T value() && { return check(), std::move(*std::get_if<0>(&state_)); }
  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  T value_or(U&& other) && {
    return has_value() ? std::move(*std::get_if<0>(&state_))
                       : static_cast<T>(std::forward<U>(other));
  }

  /// Requires !has_value().
  const Error& error() const& noexcept { return *std::get_if<1>(&state_); }
  Error error() && noexcept { return std::move(*std::get_if<1>(&state_)); }

  /// Calls `f` with the value and returns its Result, or passes the error on.
  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (!has_value()) return std::move(*this).error();
    return std::forward<F>(f)(std::move(*std::get_if<0>(&state_)));
  }
  /// A Result of f(value), or the error.
  template <class F>
  auto transform(F&& f) && -> Result<std::invoke_result_t<F, T&&>> {
    if (!has_value()) return std::move(*this).error();
    return std::forward<F>(f)(std::move(*std::get_if<0>(&state_)));
  }
  /// The value, or what `f` makes of the error.
  template <class F>
  Result or_else(F&& f) && {
    if (has_value()) return std::move(*this);
    return std::forward<F>(f)(error());
  }

 private:
  void check() const {
    if (!has_value()) detail::die_of(error());
  }
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  void operator*() const noexcept {}
  void value() const {
    if (error_) detail::die_of(*error_);
  }
  const Error& error() const& noexcept { return *error_; }
  Error error() && noexcept { return std::move(*error_); }

  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F> {
    if (error_) return std::move(*error_);
    return std::forward<F>(f)();
  }
  template <class F>
  Result or_else(F&& f) && {
    if (!error_) return {};
    return std::forward<F>(f)(*error_);
  }

 private:
  std::optional<Error> error_;
};

/// A deliberate discard of a failure, with its reason, so that each one can be found.
template <class T>
void ignore_error(const Result<T>& result, [[maybe_unused]] const char* reason) noexcept {
  static_cast<void>(result);
}

}  // namespace callisto
