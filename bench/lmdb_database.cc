#include "bench/lmdb_database.h"

namespace callisto::bench {

namespace {

/// Address space only; the file is as large as what is in it.
constexpr std::size_t kMapBytes = std::size_t{64} << 30;
constexpr unsigned kMaxReaders = 64;

}  // namespace

LmdbDatabase::LmdbDatabase(const std::string& file) {
  require_lmdb(mdb_env_create(&env_), "create");
  require_lmdb(mdb_env_set_mapsize(env_, kMapBytes), "map size");
  require_lmdb(mdb_env_set_maxdbs(env_, kv::kFamilyCount), "databases");
  require_lmdb(mdb_env_set_maxreaders(env_, kMaxReaders), "readers");
  require_lmdb(mdb_env_open(env_, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC, 0644),
               "open");
  LmdbTransaction transaction(*this);
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const std::string name(kv::to_string(static_cast<kv::Family>(i)));
    require_lmdb(mdb_dbi_open(transaction.get(), name.c_str(), MDB_CREATE, &handles_[i]),
                 "open a database");
  }
  transaction.commit();
}

LmdbDatabase::~LmdbDatabase() { mdb_env_close(env_); }

void LmdbDatabase::set_durable(bool durable) {
  require_lmdb(mdb_env_set_flags(env_, MDB_NOSYNC, durable ? 0 : 1), "durability");
}

void LmdbDatabase::sync() { require_lmdb(mdb_env_sync(env_, 1), "sync"); }

}  // namespace callisto::bench
