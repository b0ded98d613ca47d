#pragma once
#include <cstdint>

#include "core/compute/work.hpp"

/// What the CUDA module gives the program: memory, copies and launches, no more. All else (tiles, order of sums, what
/// to do when memory is short) is DeviceBackend's, so that tests run it on any implementation of this table.
namespace scriptorium::compute {

enum DeviceStatus : int { DeviceOk = 0, DeviceOutOfMemory = 1, DeviceFailed = 2 };

/// Where a call that fails writes why (it never throws: the caller may be another compiler's code).
struct DeviceMessage {
  char text[256];
};

/// One work item a thread of the grid; all pointers are the device's.
struct GatherItems {  ///< item = piece · width + m
  Gather job;
  const std::uint32_t *column, *count;
  const std::int64_t* start;  ///< pieces + 1, of the entries at `column`
  double* out;                ///< pieces × width
  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    const std::int64_t piece = item / job.width, m = item % job.width;
    job.piece(column, count, start[piece], start[piece + 1], m, m + 1, out + piece * job.width);
  }
};
struct RisingItems {  ///< item = piece
  Rising job;
  const std::uint32_t* count;
  const std::int64_t *start, *row;
  double* out;  ///< pieces × 2
  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    job.piece(count, row[item], start[item], start[item + 1], out + 2 * item);
  }
};
struct LikelihoodItems {  ///< item = piece
  EntryLikelihood job;
  const std::uint32_t *column, *count;
  const std::int64_t *start, *row;
  double* out;
  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    out[item] = job.piece(column, count, row[item], start[item], start[item + 1]);
  }
};
struct ZeroItems {  ///< item = block · rows + (row − first_row): neighbours read the same columns
  EntryLikelihood job;
  std::int64_t first_row, rows, first_block, columns, block;
  double* out;
  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    const std::int64_t begin = (first_block + item / rows) * block, end = begin + block;
    out[item] = job.zeros(first_row + item % rows, begin, end < columns ? end : columns);
  }
};

/// How the items of a launch are laid over a grid; a thread takes every (blocks · threads)-th item.
struct LaunchShape {
  unsigned blocks = 1, threads = 128;
};
inline LaunchShape launch_shape(std::int64_t items) {
  LaunchShape shape;
  const std::int64_t blocks = (items + shape.threads - 1) / shape.threads, most = 65535;
  shape.blocks = static_cast<unsigned>(blocks < 1 ? 1 : blocks < most ? blocks : most);
  return shape;
}
/// What thread `thread` of block `block` does.
template <class Items>
SCRIPTORIUM_HD void run_thread(const Items& work, std::int64_t items, LaunchShape shape, unsigned block,
                               unsigned thread) {
  const std::int64_t stride = std::int64_t{shape.blocks} * shape.threads;
  for (std::int64_t i = std::int64_t{block} * shape.threads + thread; i < items; i += stride) work(i);
}

/// Exported as `scriptorium_cuda_api`. Calls return a DeviceStatus; a launch returns after its work is done.
struct DeviceApi {
  int (*memory)(int device, std::uint64_t* total, std::uint64_t* free, DeviceMessage* why);
  int (*allocate)(int device, std::uint64_t bytes, void** memory, DeviceMessage* why);
  int (*release)(int device, void* memory, DeviceMessage* why);
  int (*clear)(int device, void* memory, std::uint64_t bytes, DeviceMessage* why);
  int (*to_device)(int device, void* to, const void* from, std::uint64_t bytes, DeviceMessage* why);
  int (*to_host)(int device, void* to, const void* from, std::uint64_t bytes, DeviceMessage* why);
  int (*gather)(int device, const GatherItems* work, std::int64_t items, DeviceMessage* why);
  int (*rising)(int device, const RisingItems* work, std::int64_t items, DeviceMessage* why);
  int (*likelihood)(int device, const LikelihoodItems* work, std::int64_t items, DeviceMessage* why);
  int (*zeros)(int device, const ZeroItems* work, std::int64_t items, DeviceMessage* why);
  int (*simulate)(int device, const Simulation* work, std::int64_t items, DeviceMessage* why);
  int (*sum_pooled)(int device, const PooledSum* work, std::int64_t items, DeviceMessage* why);
  int (*nearest)(int device, const Nearest* work, std::int64_t items, DeviceMessage* why);
};
/// Changes with any struct above or in work.hpp: a module of another version is not used.
inline constexpr int device_api_version = 2;
using GetDeviceApi = int (*)(int version, DeviceApi* api);  ///< 0, or the module's own version

/// The table of the CUDA module beside the program; null without a module, or with one of another version.
const DeviceApi* cuda_api();

}  // namespace scriptorium::compute
