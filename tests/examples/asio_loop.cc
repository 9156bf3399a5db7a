// A program with an event loop: Boost.Asio's thread pool does the waiting for the disk, its
// io_context hears the answers, and a steady_timer calls off what takes too long.
//   asio_loop DIRECTORY
#include <callisto/callisto.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <stop_token>

namespace asio = boost::asio;
using namespace callisto;

namespace {

/// All that connects Callisto with Asio.
class PoolExecutor final : public Executor {
 public:
  explicit PoolExecutor(asio::thread_pool& pool) : pool_(pool) {}
  void post(std::function<void()> task) override { asio::post(pool_, std::move(task)); }

 private:
  asio::thread_pool& pool_;
};

Result<std::size_t> remember(const Space& memory) {
  for (int i = 0; i < 10; ++i) {
    auto made = memory.memories().create({.category = "note", .text = "from the pool"});
    if (!made) return made.error();
  }
  return memory.memories().find({.category = "note"}).transform([](const auto& found) {
    return found.size();
  });
}

/// Asks again and again until it is called off.
Result<int> watch(const Space& memory) {
  for (;;) {
    auto found = memory.memories().find({.category = "news"});
    if (!found) return found.error();
    if (!found->empty()) return 1;
  }
}

class Program {
 public:
  explicit Program(const Store& store) : store_(store) {}

  /// Returns when nothing is left to do.
  void run() {
    auto open = asio::make_work_guard(loop_);  // until the last answer
    submit(store_.default_space(), executor_, remember, [&](Result<std::size_t> count) {
      asio::post(loop_, [this, count] {
        std::cout << "remembered: " << count.value_or(0) << std::endl;
        watch_for_a_moment();
      });
    });
    done_ = [&open] { open.reset(); };
    loop_.run();
    pool_.join();
  }

 private:
  void watch_for_a_moment() {
    timer_.expires_after(std::chrono::milliseconds(20));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) called_off_.request_stop();
    });
    submit(store_.with({.cancel = called_off_.get_token()}), executor_, watch,
           [this](Result<int> seen) {
             asio::post(loop_, [this, seen] {
               std::cout << "watched: " << (seen ? "news" : to_string(seen.error().code()))
                         << std::endl;
               done_();
             });
           });
  }

  const Store& store_;
  asio::io_context loop_;
  asio::steady_timer timer_{loop_};
  asio::thread_pool pool_{2};
  PoolExecutor executor_{pool_};
  std::stop_source called_off_;
  std::function<void()> done_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto store = Store::open(argv[1]);
  if (!store) {
    std::cerr << store.error().to_string() << '\n';
    return 1;
  }
  Program(*store).run();
  return store->close() ? 0 : 1;
}
