#pragma once

#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "callisto/store.h"

namespace callisto {

/// Where submitted calls run: the host's thread pool or event loop. The library starts no thread
/// for them.
class CALLISTO_API Executor {
 public:
  virtual ~Executor();
  /// Takes a task to be run once, on a thread of the executor's choice, or dropped. Called inside
  /// submit(), from the thread that called it; what it throws leaves submit().
  virtual void post(std::function<void()> task) = 0;
};

namespace detail {

/// One submitted call. Its completion is called exactly once: with the answer, or, from the last
/// holder's destructor, with the reason why there is none.
template <class F, class Completion>
class Submitted {
  using Answer = std::invoke_result_t<F&, const Space&>;

 public:
  Submitted(Space space, F call, Completion completion)
      : space_(std::move(space)), call_(std::move(call)), completion_(std::move(completion)) {}
  Submitted(const Submitted&) = delete;
  Submitted& operator=(const Submitted&) = delete;

  ~Submitted() {
    if (is_over_) return;
#if defined(__cpp_exceptions)
    // Nobody is left to take an exception: leaving a destructor it would end the process.
    try {
      give_up();
    } catch (...) {
    }
#else
    give_up();
#endif
  }

  void run() {
    if (is_begun_) return;
    is_begun_ = true;
    Answer answer = call_(std::as_const(space_));
    is_over_ = true;
    completion_(std::move(answer));
  }

 private:
  void give_up() {
    completion_(is_begun_ ? Answer(Error(Code::unknown_outcome, "the submitted call threw"))
                          : Answer(Error(Code::cancelled, "the executor dropped the call")));
  }

  const Space space_;
  F call_;
  Completion completion_;
  bool is_begun_ = false;
  bool is_over_ = false;
};

}  // namespace detail

/// Runs `call(const Space&)`, which returns a Result, on `executor`, and then `completion` with
/// that Result, there too. The call gets a handle of its own on `space`, with the same limits,
/// which count from the start of each call that it makes: the wait in the executor is not a part of
/// it.
///
/// `completion` is called exactly once:
/// - with what `call` returned; where the store was closed meanwhile, the space answers `closed`;
/// - with `cancelled` when the executor dropped the task without running it, in the thread that
/// did;
/// - with `unknown_outcome` when `call` threw: what it did before may be there. The exception goes
/// to
///   the executor.
/// What `completion` throws goes to the executor too, but is lost when the task was dropped.
/// Closing the store waits for single calls that run, not for submitted ones. The executor may keep
/// the task after the store, but not after the environment that the store was opened with.
template <class F, class Completion>
void submit(const Space& space, Executor& executor, F call, Completion completion) {
  using State = detail::Submitted<F, Completion>;
  auto state =
      std::make_shared<State>(space.with(space.limits()), std::move(call), std::move(completion));
  executor.post([state = std::move(state)] { state->run(); });
}

/// The same, with the answer in a future, which never throws. Waiting for it on the executor's only
/// thread waits for ever.
template <class F>
auto submit(const Space& space, Executor& executor, F call)
    -> std::future<std::invoke_result_t<F&, const Space&>> {
  using Answer = std::invoke_result_t<F&, const Space&>;
  std::promise<Answer> promise;
  std::future<Answer> future = promise.get_future();
  submit(space, executor, std::move(call), [promise = std::move(promise)](Answer answer) mutable {
    promise.set_value(std::move(answer));
  });
  return future;
}

}  // namespace callisto
