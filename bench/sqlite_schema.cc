#include "bench/sqlite_schema.h"

namespace callisto::bench::sqlite {

const char* const kTables = R"(
CREATE TABLE users(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, preferences TEXT,
  is_active INTEGER NOT NULL, created_at INTEGER NOT NULL, last_seen INTEGER NOT NULL);
CREATE TABLE platform_identifiers(platform TEXT NOT NULL, platform_id TEXT NOT NULL, username TEXT,
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, created_at INTEGER NOT NULL,
  PRIMARY KEY(platform, platform_id)) WITHOUT ROWID;
CREATE TABLE user_data(user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  category TEXT NOT NULL, value TEXT NOT NULL, created_at INTEGER NOT NULL,
  is_single INTEGER NOT NULL,
  PRIMARY KEY(user, category, value)) WITHOUT ROWID;
CREATE TABLE conversations(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, title TEXT,
  owner INTEGER REFERENCES users ON DELETE SET NULL, model TEXT, is_processed INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, message_count INTEGER NOT NULL,
  token_count INTEGER NOT NULL, last_message_at INTEGER NOT NULL, type TEXT, persona BLOB,
  is_saved INTEGER NOT NULL DEFAULT 0, is_archived INTEGER NOT NULL DEFAULT 0, ended_at INTEGER);
CREATE TABLE participants(user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  PRIMARY KEY(user, created_at, conversation)) WITHOUT ROWID;
CREATE TABLE messages(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  sequence INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  sender INTEGER REFERENCES users ON DELETE SET NULL, role TEXT NOT NULL, content TEXT NOT NULL,
  token_usage INTEGER, importance REAL NOT NULL);
CREATE TABLE memories(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, category TEXT, key TEXT,
  type TEXT, value TEXT, tags TEXT, entity_type TEXT, entity_id TEXT,
  user INTEGER REFERENCES users ON DELETE CASCADE, source_agent TEXT, priority INTEGER NOT NULL,
  importance REAL NOT NULL, expires_at INTEGER, is_active INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  conversation INTEGER REFERENCES conversations ON DELETE CASCADE, task TEXT, source_kind TEXT,
  source_id TEXT);
CREATE TABLE memory_tags(tag TEXT NOT NULL, created_at INTEGER NOT NULL,
  memory INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
  PRIMARY KEY(tag, created_at, memory)) WITHOUT ROWID;
)";

const char* const kIndexesOfRows = R"(
CREATE INDEX identities_of_user ON platform_identifiers(user);
CREATE INDEX conversations_of_owner ON conversations(owner);
CREATE INDEX conversations_due ON conversations(created_at) WHERE is_processed=0;
CREATE INDEX participants_of_conversation ON participants(conversation, user);
CREATE INDEX messages_in_order ON messages(conversation, timestamp, sequence);
CREATE INDEX messages_of_sender ON messages(sender) WHERE sender IS NOT NULL;
CREATE INDEX memories_by_name ON memories(category, key, user);
CREATE INDEX memories_by_entity ON memories(entity_type, entity_id, created_at);
CREATE INDEX memories_by_created ON memories(created_at);
CREATE INDEX memories_of_user ON memories(user) WHERE user IS NOT NULL;
CREATE INDEX tags_of_memory ON memory_tags(memory);
)";

const char* const kOtherIndexes = R"(
CREATE INDEX users_active ON users(is_active, created_at);
CREATE INDEX users_seen ON users(last_seen);
CREATE INDEX identities_named ON platform_identifiers(username);
CREATE INDEX data_newest ON user_data(user, category, created_at);
CREATE INDEX data_names ON user_data(value) WHERE category='preferred_name';
DROP INDEX conversations_of_owner;
CREATE INDEX conversations_of_owner ON conversations(owner, created_at);
CREATE INDEX conversations_by_type ON conversations(type, created_at) WHERE type IS NOT NULL;
CREATE INDEX conversations_by_persona ON conversations(persona, created_at)
  WHERE persona IS NOT NULL;
CREATE INDEX conversations_saved ON conversations(is_saved, created_at);
CREATE INDEX conversations_archived ON conversations(is_archived, created_at);
CREATE INDEX conversations_ended ON conversations(ended_at IS NOT NULL, created_at);
CREATE INDEX conversations_active ON conversations(max(updated_at, last_message_at));
CREATE INDEX conversations_created ON conversations(created_at);
CREATE INDEX messages_by_time ON messages(timestamp, conversation, sequence);
CREATE INDEX messages_by_importance ON messages(conversation, importance, timestamp);
DROP INDEX messages_of_sender;
CREATE INDEX messages_of_sender ON messages(sender, timestamp) WHERE sender IS NOT NULL;
CREATE INDEX memories_by_category ON memories(category, created_at);
CREATE INDEX memories_by_key ON memories(key, created_at);
CREATE INDEX memories_by_entity_type ON memories(entity_type, created_at);
CREATE INDEX memories_by_type ON memories(type, created_at);
CREATE INDEX memories_by_agent ON memories(source_agent, created_at);
DROP INDEX memories_of_user;
CREATE INDEX memories_of_user ON memories(user, created_at) WHERE user IS NOT NULL;
CREATE INDEX memories_of_conversation ON memories(conversation, created_at)
  WHERE conversation IS NOT NULL;
CREATE INDEX memories_by_priority ON memories(priority, created_at);
CREATE INDEX memories_by_source ON memories(source_kind, source_id) WHERE source_kind IS NOT NULL;
CREATE INDEX memories_by_task ON memories(task, created_at) WHERE task IS NOT NULL;
CREATE INDEX memories_by_updated ON memories(updated_at);
CREATE INDEX memories_by_expiry ON memories(expires_at) WHERE expires_at IS NOT NULL;
)";

}  // namespace callisto::bench::sqlite
