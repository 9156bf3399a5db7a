# shellcheck shell=bash
# Sourced by the scripts beside it, which stand in the project's root.

# Configures and builds a preset of CMakePresets.json:
#   build_preset NAME DIRECTORY [TARGET...]
build_preset() {
  local preset=$1 directory=$2
  shift 2
  # A directory that was set up by hand keeps its generator and its other settings.
  if [[ "$preset" == release && -f "$directory/CMakeCache.txt" ]]; then
    cmake -S . -B "$directory" -DCMAKE_BUILD_TYPE=Release -DCALLISTO_WERROR=ON
  else
    cmake --preset "$preset"
  fi
  cmake --build "$directory" --parallel "$(nproc)" ${1:+--target "$@"}
}
