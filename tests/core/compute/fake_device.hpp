#pragma once
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "core/compute/device_api.hpp"

/// A device in ordinary memory: it runs the functors over the same grid as CUDA does, thread by thread, refuses what
/// exceeds its capacity, and fails where a copy leaves what was allocated. So tiles, launches and sums of the CUDA path
/// are executed on machines without a GPU; under the address sanitizer so are the bounds of its kernels.
namespace fake_device {

using namespace scriptorium::compute;

struct State {
  std::uint64_t capacity = 1ull << 30, used = 0, promised = 0;  ///< promised: free memory that is told, 0: the truth
  int fail_at_launch = -1;                                      ///< this launch (from 0) fails
  int launches = 0, allocations = 0;
  std::map<char*, std::uint64_t> blocks;
};
inline State& state() {
  static State the_state;
  return the_state;
}

inline int say(DeviceMessage* why, const char* text, int status) {
  std::strncpy(why->text, text, sizeof why->text - 1);
  return status;
}
inline bool inside(const void* memory, std::uint64_t bytes) {
  auto* at = static_cast<char*>(const_cast<void*>(memory));
  auto block = state().blocks.upper_bound(at);
  if (block == state().blocks.begin()) return false;
  --block;
  return at >= block->first && at + bytes <= block->first + block->second;
}

inline int memory(int, std::uint64_t* total, std::uint64_t* free, DeviceMessage*) {
  *total = state().capacity;
  *free = state().promised > 0 ? state().promised : state().capacity - state().used;
  return DeviceOk;
}
inline int allocate(int, std::uint64_t bytes, void** place, DeviceMessage* why) {
  *place = nullptr;
  if (state().used + bytes > state().capacity) return say(why, "out of memory", DeviceOutOfMemory);
  *place = std::malloc(bytes);
  std::memset(*place, 0xA5, bytes);  // as fresh memory of a device: anything
  state().used += bytes;
  ++state().allocations;
  state().blocks[static_cast<char*>(*place)] = bytes;
  return DeviceOk;
}
inline int release(int, void* place, DeviceMessage* why) {
  const auto block = state().blocks.find(static_cast<char*>(place));
  if (block == state().blocks.end()) return say(why, "not allocated", DeviceFailed);
  state().used -= block->second;
  state().blocks.erase(block);
  std::free(place);
  return DeviceOk;
}
inline int clear(int, void* place, std::uint64_t bytes, DeviceMessage* why) {
  if (!inside(place, bytes)) return say(why, "clears beyond an array", DeviceFailed);
  std::memset(place, 0, bytes);
  return DeviceOk;
}
inline int to_device(int, void* to, const void* from, std::uint64_t bytes, DeviceMessage* why) {
  if (!inside(to, bytes)) return say(why, "writes beyond an array", DeviceFailed);
  std::memcpy(to, from, bytes);
  return DeviceOk;
}
inline int to_host(int, void* to, const void* from, std::uint64_t bytes, DeviceMessage* why) {
  if (!inside(from, bytes)) return say(why, "reads beyond an array", DeviceFailed);
  std::memcpy(to, from, bytes);
  return DeviceOk;
}
template <class Items>
int launch(int, const Items* work, std::int64_t items, DeviceMessage* why) {
  if (state().launches++ == state().fail_at_launch) return say(why, "unspecified launch failure", DeviceFailed);
  // Fewer blocks than CUDA would take for so few items, so that the strides of the loop are taken too.
  LaunchShape shape = launch_shape(items);
  if (shape.blocks > 3) shape.blocks = 3;
  for (unsigned block = 0; block < shape.blocks; ++block)
    for (unsigned thread = 0; thread < shape.threads; ++thread) run_thread(*work, items, shape, block, thread);
  return DeviceOk;
}

inline const DeviceApi& api() {
  static const DeviceApi table{memory,
                               allocate,
                               release,
                               clear,
                               to_device,
                               to_host,
                               launch<GatherItems>,
                               launch<RisingItems>,
                               launch<LikelihoodItems>,
                               launch<ZeroItems>,
                               launch<Simulation>,
                               launch<PooledSum>,
                               launch<Nearest>};
  return table;
}

}  // namespace fake_device
