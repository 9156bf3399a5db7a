// The options of `list`, which `explain` takes too.

#include "tools/list.h"

namespace callisto::tools {

namespace {

using Texts = std::vector<std::string>;

}  // namespace

void describe_lists(po::options_description& visible, po::options_description& hidden,
              po::positional_options_description& positions) {
  const auto text = [] { return po::value<std::string>()->value_name("TEXT"); };
  const auto id = [] { return po::value<std::string>()->value_name("ID"); };
  const auto user = [] { return po::value<std::string>()->value_name("USER"); };
  const auto time = [] { return po::value<std::string>()->value_name("TIME"); };
  const auto flag = [] { return po::value<std::string>()->value_name("true|false"); };
  visible.add_options()                                                                       //
      ("limit", po::value<std::string>()->value_name("N"), "at most N records, 1 to 10000; 100")  //
      ("oldest-first", "the other way round")                                                 //
      ("from", time(), "created at or after (messages: timestamp)")                           //
      ("to", time(), "created before (messages: timestamp)")                                  //
      ("user", user(), "of this user: a UUID or PLATFORM:PLATFORM_ID")                        //
      ("conversation", id(), "messages, memories: of this conversation");
  visible.add_options()                                                             //
      ("name", text(), "users: with this preferred name; identities: this username")  //
      ("platform", text(), "users: with --platform-id, the one user behind it")     //
      ("platform-id", text(), "")                                                   //
      ("active", flag(), "users: active or not")                                    //
      ("seen-from", time(), "users: last seen at or after")                         //
      ("seen-to", time(), "users: last seen before")                                //
      ("category", text(), "user_data, memories: of this category");
  visible.add_options()                                                 //
      ("owner", user(), "conversations: owned by")                      //
      ("participant", user(), "conversations: with")                    //
      ("processed", "conversations: processed ones")                    //
      ("unprocessed", "conversations: unprocessed ones")                //
      ("saved", flag(), "conversations")                                //
      ("archived", flag(), "conversations")                             //
      ("ended", flag(), "conversations")                                //
      ("type", text(), "conversations, memories: of this type")         //
      ("persona", id(), "conversations: of this persona")               //
      ("active-from", time(), "conversations: last activity at or after")  //
      ("active-to", time(), "conversations: last activity before");
  visible.add_options()                                                         //
      ("sender", user(), "messages: sent by")                                   //
      ("before", id(), "messages: before this message of the conversation")     //
      ("after", id(), "messages: after this message of the conversation")       //
      ("role", text(), "messages: of this role")                                //
      ("state", text(), "messages: final, partial, interrupted")                //
      ("by-importance", "messages: highest importance first")                   //
      ("min-importance", po::value<float>()->value_name("0..1"), "messages, memories");
  visible.add_options()                                                                   //
      ("key", text(), "memories: with this key")                                          //
      ("tag", po::value<Texts>()->composing()->value_name("TAG"), "memories: with this tag; all, if repeated")  //
      ("any-tag", po::value<Texts>()->composing()->value_name("TAG"), "memories: with any of these")  //
      ("no-tag", po::value<Texts>()->composing()->value_name("TAG"), "memories: without")  //
      ("entity-type", text(), "memories")                                                 //
      ("entity-id", text(), "memories, with --entity-type")                               //
      ("agent", text(), "messages, memories: by this agent")                                        //
      ("task", text(), "memories: created for this task")                                 //
      ("source-kind", text(), "memories: from a source of this kind, with --source-id")   //
      ("source-id", text(), "")                                                           //
      ("min-priority", po::value<std::string>()->value_name("1..10"), "memories")            //
      ("max-priority", po::value<std::string>()->value_name("1..10"), "memories")            //
      ("updated-from", time(), "memories")                                                //
      ("updated-to", time(), "memories")                                                  //
      ("expires-from", time(), "memories")                                                //
      ("expires-to", time(), "memories")                                                  //
      ("order", text(), "memories: created, updated, priority, expiry;\nconversations: created, activity;\nmessages: time, importance")  //
      ("include-expired", "memories")                                                     //
      ("include-inactive", "memories")                                                    //
      ("include-superseded", "memories");
  visible.add_options()                                                                        //
      ("only-expired", "memories: expired ones; so --only-inactive, --only-superseded")        //
      ("only-inactive", "")                                                                    //
      ("only-superseded", "")                                                                  //
      ("without-user", "memories: of no user")                                                 //
      ("max-importance", po::value<float>()->value_name("0..1"), "messages, memories")         //
      ("max-scanned", po::value<std::string>()->value_name("N"), "end with an error after reading N index entries") //
      ("page", "a last line says where the next page begins, if there is one")       //
      ("cursor", text(), "the page that begins there");
  hidden.add_options()("what", po::value<std::string>(), "");
  positions.add("what", 1);
}

}  // namespace callisto::tools
