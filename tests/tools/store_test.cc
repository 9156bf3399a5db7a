// Whole stores: round trips, several spaces, a writer beside readers, damage.

#include <filesystem>

#include "callisto/store.h"
#include "tests/tools/command_fixture.h"

namespace callisto::testing {
namespace {

class WholeStore : public CommandTest {};

#define NEED(result) ASSERT_TRUE(result) << (result).error().to_string()

/// Merges, removals, equal and falling timestamps, strange texts, extreme numbers.
void fill(const Repositories& at) {
  const auto user = [&](const char* name) {
    auto made = at.users().create({.name = name, .platform = "gui", .platform_id = name});
    return made ? *made : UserId();
  };
  const UserId ann = user("ann \xc3\xa9\xe2\x80\xa8\xf0\x9f\x8c\x8a");
  const UserId twin = user("twin");
  const UserId gone = user("gone");
  auto talk = at.conversations().create(
      {.title = "a\"b\\c\x01\x7f\n\t", .owner = gone, .participants = {ann, twin, gone}});
  NEED(talk);
  const Time noon = *Time::parse("2026-03-02T12:00:00Z");
  std::vector<MessageId> said;
  for (int i = 0; i < 6; ++i) {
    const UserId senders[] = {ann, twin, gone, UserId()};
    auto message = at.messages().append({.conversation = *talk,
                                         .sender = senders[i % 4],
                                         .content = "turn " + std::to_string(i),
                                         .timestamp = Time(noon.micros() - (i / 2) * 1'000'000),
                                         .parent = i == 3 ? std::optional(said[0]) : std::nullopt});
    NEED(message);
    said.push_back(*message);
  }
  NEED(at.conversations().mark_processed(*talk, said[3]));
  NEED(at.messages().remove(said[0]));
  NEED(at.messages().remove(said[5]));
  NEED(at.memories().create({.key = "numbers",
                             .value = R"({"a":18446744073709551615,"b":-9223372036854775808,"c":1e308,)"
                                      R"("d":0.1,"e":5e-324,"f":-0.0,"g":1.0,"h":null,"i":[],"text":""})",
                             .tags = {"x", "\xc3\xa9"},
                             .user = twin,
                             .conversation = *talk,
                             .importance = 0.1F}));
  NEED(at.memories().create({.value = "\"x\"", .text = "own text", .user = gone}));
  NEED(at.users().remove(gone));
  NEED(at.users().merge(ann, twin));
}

TEST_F(WholeStore, ExportsAnEqualStore) {
  {
    auto store = Store::open(path("store"));
    NEED(store);
    fill(store->default_space());
    auto other = store->create_space("other \xc3\xa9");
    NEED(other);
    fill(*other);
    NEED(store->create_space("empty"));
    NEED(store->finish_pending_work());
    NEED(store->close());
  }
  const std::string once = exported();
  EXPECT_NE(once.find("\"name\":\"empty\""), std::string::npos);
  EXPECT_EQ(fresh_export(once), once);
  EXPECT_EQ(run({"verify"}, {}, "fresh").status, 0);
  EXPECT_EQ(run({"space", "list"}, {}, "fresh").out, run({"space", "list"}).out);
}

TEST_F(WholeStore, ListsMemoriesInPagesAndExplains) {
  ASSERT_EQ(import(sample()).status, 0);
  const std::string whole = run({"list", "memories", "--json", "--order", "priority"}).out;
  std::string joined;
  std::vector<std::string> page{"list", "memories", "--json", "--order", "priority", "--limit", "3", "--page"};
  while (true) {
    std::string out = run(page).out;
    const std::size_t at = out.find("{\"cursor\":\"");
    joined += out.substr(0, at);
    if (at == std::string::npos) break;
    const std::string cursor = out.substr(at + 11, out.find('"', at + 11) - at - 11);
    page.resize(8);
    page.insert(page.end(), {"--cursor", cursor});
  }
  EXPECT_EQ(joined, whole);
  EXPECT_EQ(run({"list", "memories", "--cursor", "x"}).status, 2);
  EXPECT_EQ(run({"explain", "users"}).status, 2);
  const std::string plan = run({"explain", "memories", "--json", "--tag", "kitchen"}).out;
  EXPECT_EQ(plan.find("{\"steps\":[{\"use\":\"drives\",\"index\":\"memory_by_tag\""), 0U) << plan;
  EXPECT_NE(run({"explain", "memories", "--tag", "kitchen"}).out.find(" keys read, "), std::string::npos);
}

TEST_F(WholeStore, ListsAndExplainsConversationsAndMessages) {
  ASSERT_EQ(import(sample()).status, 0);
  const std::vector<std::string> filters{"--json", "--role", "user", "--max-importance", "0.9"};
  const auto messages = [&](std::vector<std::string> command, std::vector<std::string> more = {}) {
    command.insert(command.end(), filters.begin(), filters.end());
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  };
  const std::string whole = messages({"list", "messages"}).out;
  EXPECT_NE(whole.find("\"role\":\"user\""), std::string::npos);
  EXPECT_EQ(whole.find("\"role\":\"assistant\""), std::string::npos);
  const std::string first = messages({"list", "messages"}, {"--limit", "1", "--page"}).out;
  const std::size_t line = first.find("{\"cursor\":\"");
  ASSERT_NE(line, std::string::npos);
  EXPECT_EQ(whole.find(first.substr(0, line)), 0U);
  const std::string cursor = first.substr(line + 11, first.find('"', line + 11) - line - 11);
  EXPECT_EQ(first.substr(0, line) + messages({"list", "messages"}, {"--cursor", cursor}).out, whole);
  const std::string plan = messages({"explain", "messages"}).out;
  EXPECT_EQ(plan.find("{\"steps\":[{\"use\":\"drives\",\"index\":\"message_by_time\""), 0U) << plan;
  EXPECT_EQ(run({"list", "messages", "--state", "lost"}).status, 2);
  EXPECT_EQ(run({"list", "messages", "--order", "activity"}).status, 2);
  EXPECT_EQ(run({"list", "messages", "--before", "01930000-0000-7000-8000-000000000130"}).status, 2);
  EXPECT_EQ(run({"list", "messages", "--max-scanned", "3"}).status, 1);
  const std::string talks = run({"explain", "conversations", "--saved", "false", "--unprocessed"}).out;
  EXPECT_NE(talks.find("is_processed"), std::string::npos) << talks;
  EXPECT_NE(talks.find("conversation_by_saved"), std::string::npos) << talks;
  const std::string listed = run({"list", "conversations", "--json", "--limit", "1"}).out;
  const std::string id = listed.substr(listed.find("\"id\":\"") + 6, 36);
  const std::string own = run({"explain", "messages", "--conversation", id}).out;
  EXPECT_EQ(own.find("drives"), 0U) << own;
  EXPECT_NE(own.find("messages  conversation"), std::string::npos) << own;
}

TEST_F(WholeStore, IsReadWhileAWriterHoldsItAndRefusesASecondWriter) {
  ASSERT_EQ(import(sample()).status, 0);
  const std::string before = exported();
  HeldCommand writer({"import", "-", "--store", path("store")});
  writer.write("not a line\n");
  ASSERT_NE(writer.hear(), "");
  EXPECT_EQ(exported(), before);
  for (const std::vector<std::string>& reading : std::vector<std::vector<std::string>>{
           {"dump"}, {"list", "users"}, {"stats"}, {"verify"}, {"space", "list"}}) {
    EXPECT_EQ(run(reading).status, 0) << reading[0];
  }
  for (const std::vector<std::string>& writing : std::vector<std::vector<std::string>>{
           {"init"}, {"import", "-"}, {"verify", "--repair"}, {"space", "create", "x"}}) {
    const auto outcome = run(writing);
    EXPECT_EQ(outcome.status, 3) << writing[0];
    EXPECT_NE(outcome.err.find(std::to_string(writer.pid())), std::string::npos) << outcome.err;
  }
  writer.write(talk(3));
  EXPECT_EQ(writer.finish(), 1) << "one line was bad";
  EXPECT_NE(exported(), before);
}

/// The table file that holds the bytes; "" when none does.
std::string table_file_with(const std::string& store, const std::string& bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
    if (entry.path().extension() != ".sst") continue;
    if (read_text(entry.path()).find(bytes) != std::string::npos) return entry.path();
  }
  return "";
}

TEST_F(WholeStore, DamageIsNamedAndTheRestIsPrinted) {
  ASSERT_EQ(import(sample()).status, 0);
  ASSERT_EQ(run({"init"}).status, 0);  // Opening it again moves the log into table files.
  const std::string file = table_file_with(path("store"), "favourite_foods");
  ASSERT_NE(file, "");
  std::string bytes = read_text(file);
  bytes[60] = static_cast<char>(bytes[60] ^ 0x40);
  write_text(file, bytes);
  const auto dump = run({"dump"});
  EXPECT_EQ(dump.status, 3);
  EXPECT_NE(dump.err.find("user_data"), std::string::npos) << dump.err;
  EXPECT_NE(dump.out.find("Reece never says no to pie."), std::string::npos);
  EXPECT_NE(dump.out.find("\"username\":\"Mina\""), std::string::npos);
  const auto exported = run({"export"});
  EXPECT_EQ(exported.status, 3);
  EXPECT_NE(exported.err.find("user_data cannot be read from key "), std::string::npos) << exported.err;
  EXPECT_EQ(exported.out.find("favourite_foods"), std::string::npos) << "what is damaged";
  for (const char* table : {"users", "platform_identifiers", "conversations", "messages", "memories"}) {
    EXPECT_NE(exported.out.find("{\"table\":\"" + std::string(table)), std::string::npos) << table;
  }
  EXPECT_EQ(run({"list", "memories"}).status, 0);
  const auto verify = run({"verify"});
  EXPECT_EQ(verify.status, 3);
  EXPECT_NE(verify.out.find("unreadable user_data"), std::string::npos) << verify.out;
  EXPECT_NE(verify.out.find("unreadable files"), std::string::npos) << verify.out;
  EXPECT_EQ(run({"verify", "--repair"}).status, 3) << "what cannot be read is not taken for gone";
}

TEST_F(WholeStore, AnExportGoesOnBehindADamagedConversation) {
  ASSERT_EQ(import(talk(3)).status, 0);
  ASSERT_EQ(run({"init"}).status, 0);
  ASSERT_EQ(run({"dump", "conversations", "--keys"}).status, 0);
  const std::string before = exported();
  int tried = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path("store") + "/db")) {
    if (entry.path().extension() != ".sst") continue;
    const std::string bytes = read_text(entry.path());
    std::string damaged = bytes;
    damaged[60] = static_cast<char>(damaged[60] ^ 0x40);
    write_text(entry.path(), damaged);
    const auto outcome = run({"export"});
    // The rows of the store itself and of its indexes are not in an export.
    if (outcome.status == 3 && outcome.err.find("conversations cannot be read") != std::string::npos) {
      EXPECT_NE(outcome.out.find("turn 2"), std::string::npos) << outcome.out << outcome.err;
      EXPECT_NE(outcome.out.find("\"table\":\"users\""), std::string::npos);
      ++tried;
    }
    write_text(entry.path(), bytes);
  }
  EXPECT_EQ(tried, 1);
  EXPECT_EQ(exported(), before);
}

TEST_F(WholeStore, AStoreWithoutATableFileIsMadeWholeOfTheRest) {
  ASSERT_EQ(import(sample()).status, 0);
  ASSERT_EQ(run({"init"}).status, 0);
  const std::string file = table_file_with(path("store"), "favourite_foods");
  ASSERT_NE(file, "");
  const std::string name = std::filesystem::path(file).filename();
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  const auto refused = run({"stats"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("table file " + name + " of user_data has "), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--accept-data-loss"), std::string::npos) << refused.err;
  const auto dump = run({"dump", "--accept-data-loss"});
  EXPECT_EQ(dump.status, 0);
  EXPECT_NE(dump.err.find(name), std::string::npos) << dump.err;
  EXPECT_NE(dump.out.find("\"username\":\"Mina\""), std::string::npos);
  EXPECT_EQ(dump.out.find("favourite_foods"), std::string::npos);
  EXPECT_EQ(run({"stats"}).status, 3) << "a reader accepts for itself";
  const auto repaired = run({"verify", "--repair", "--accept-data-loss"});
  EXPECT_EQ(repaired.status, 0) << repaired.out << repaired.err;
  EXPECT_NE(repaired.err.find(name), std::string::npos) << repaired.err;
  const auto after = run({"verify"});
  EXPECT_EQ(after.status, 0) << after.out;
  EXPECT_EQ(after.err, "");
  EXPECT_TRUE(std::filesystem::exists(path("store") + "/lost/" + name));
}

TEST_F(WholeStore, LostCommitsAreRefusedUnlessAccepted) {
  ASSERT_EQ(import(sample()).status, 0);
  for (const auto& entry : std::filesystem::directory_iterator(path("store") + "/db")) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    std::filesystem::resize_file(entry.path(), entry.file_size() - 200);
  }
  const auto refused = run({"stats"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("data_loss"), std::string::npos) << refused.err;
  const auto accepted = run({"verify", "--repair", "--accept-data-loss"});
  EXPECT_EQ(accepted.status, 0) << accepted.err;
  EXPECT_NE(accepted.err.find("MANIFEST"), std::string::npos) << accepted.err;
  const auto after = run({"verify"});
  EXPECT_EQ(after.status, 0) << after.out;
  EXPECT_EQ(after.err, "");
}

TEST_F(WholeStore, IndexesAreBuiltAnew) {
  ASSERT_EQ(import(sample()).status, 0);
  const CommandOutcome one = run({"reindex", "memory_by_tag", "--json"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(one.out.find(R"({"index":"memory_by_tag","state":"ready","entries":)"), 0U) << one.out;
  const CommandOutcome all = run({"reindex"});
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_NE(all.out.find("message_by_id  ready  "), std::string::npos) << all.out;
  EXPECT_EQ(run({"verify"}).status, 0);
  const CommandOutcome wrong = run({"reindex", "no_such_index"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.err.find("no_such_index"), std::string::npos) << wrong.err;
}

TEST_F(WholeStore, ACurrentStoreHasNothingToUpgrade) {
  ASSERT_EQ(run({"init"}).status, 0);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"upgrade", "--json"}, {"upgrade", "--dry-run", "--json"}}) {
    const CommandOutcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "{\"format_version\":4,\"changes\":0,\"done\":true}\n");
  }
}

TEST_F(WholeStore, SpacesComeAndGo) {
  ASSERT_EQ(run({"init"}).status, 0);
  EXPECT_EQ(run({"space", "create", "home"}).status, 0);
  EXPECT_EQ(run({"space", "create", "home"}).status, 1);
  ASSERT_EQ(import(talk(1), {"--space", "home"}).status, 0);
  EXPECT_EQ(run({"list", "messages", "--json"}).out, "");
  EXPECT_NE(run({"list", "messages", "--space", "home", "--json"}).out, "");
  EXPECT_EQ(run({"space", "list"}).out, "default\nhome\n");
  EXPECT_EQ(run({"space", "drop", "home"}).status, 0);
  EXPECT_EQ(run({"space", "list"}).out, "default\n");
  EXPECT_EQ(exported(), "{\"callisto\":\"export\",\"format\":1}\n");
}

TEST_F(WholeStore, DumpShowsKeysRangesAndIndexes) {
  ASSERT_EQ(import(talk(3)).status, 0);
  const auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  EXPECT_EQ(count(run({"dump", "messages"}).out), 3);
  EXPECT_EQ(count(run({"dump", "messages", "--keys"}).out), 3);
  EXPECT_EQ(count(run({"dump", "messages", "--limit", "2"}).out), 2);
  EXPECT_EQ(count(run({"dump", "message_by_id"}).out), 3);
  const std::string raw = run({"dump", "messages", "--raw", "--keys"}).out;
  const std::string second = raw.substr(raw.find('\n') + 1, raw.find('\n'));
  EXPECT_EQ(count(run({"dump", "messages", "--from", second}).out), 2);
  EXPECT_EQ(count(run({"dump", "messages", "--to", second}).out), 1);
  EXPECT_EQ(count(run({"dump", "messages", "--prefix", second}).out), 1);
}

}  // namespace
}  // namespace callisto::testing
