#pragma once
#include "core/compute/backend.hpp"
#include "core/compute/device_api.hpp"

namespace scriptorium::compute {

/// A Backend on a device that `api` reaches (which must outlive it). What does not fit its memory goes in smaller
/// tiles; what cannot be done there at all, or fails, is done by `threads` threads of the CPU and noted.
std::shared_ptr<const Backend> device_backend(const DeviceApi& api, int device, std::string name, int threads);

}  // namespace scriptorium::compute
