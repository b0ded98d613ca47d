#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/compute/device_api.hpp"
#include "core/compute/tiles.hpp"

/// Arrays in a device's memory, and what can go wrong with them, for DeviceBackend.
namespace scriptorium::compute {

/// The device has too little memory; another trouble.
struct OutOfDeviceMemory {};
struct DeviceTrouble {
  std::string why;
};

/// The table with exceptions in place of statuses, on one device.
struct Device {
  const DeviceApi& api;
  int number;

  template <class Call, class... Arguments>
  void call(Call function, Arguments... arguments) const {
    DeviceMessage why{};
    const int status = function(number, arguments..., &why);
    why.text[sizeof why.text - 1] = '\0';
    if (status == DeviceOutOfMemory) throw OutOfDeviceMemory{};
    if (status != DeviceOk) throw DeviceTrouble{why.text};
  }
};

/// An array in the device's memory.
template <class T>
class DeviceArray {
 public:
  DeviceArray(const Device& device, std::int64_t size) : device_(&device), size_(size) {
    void* memory = nullptr;
    if (size > 0) device.call(device.api.allocate, bytes(size), &memory);
    data_ = static_cast<T*>(memory);
  }
  DeviceArray(const Device& device, const T* from, std::int64_t size) : DeviceArray(device, size) { load(from, size); }
  DeviceArray(const Device& device, const std::vector<T>& from)
      : DeviceArray(device, from.data(), static_cast<std::int64_t>(from.size())) {}
  ~DeviceArray() {
    DeviceMessage why{};
    if (data_) device_->api.release(device_->number, data_, &why);
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() const { return data_; }
  void load(const T* from, std::int64_t size) const {
    if (size > 0)
      device_->call(device_->api.to_device, static_cast<void*>(data_), static_cast<const void*>(from), bytes(size));
  }
  void store(T* to, std::int64_t size) const {
    if (size > 0)
      device_->call(device_->api.to_host, static_cast<void*>(to), static_cast<const void*>(data_), bytes(size));
  }
  void clear() const {
    if (size_ > 0) device_->call(device_->api.clear, static_cast<void*>(data_), bytes(size_));
  }

 private:
  static std::uint64_t bytes(std::int64_t size) { return static_cast<std::uint64_t>(size) * sizeof(T); }
  const Device* device_;
  std::int64_t size_;
  T* data_ = nullptr;
};

/// Rows whose entries are on the device, when they fit.
class DeviceRows final : public Rows {
 public:
  DeviceRows(const CsrView& rows, const Device& device, double budget) : Rows(rows) {
    const auto n = rows.entries();
    if (static_cast<double>(n) * 8 > budget) return;
    const auto* column = rows.column;
    const auto* count = rows.count;
    column_ = std::make_unique<DeviceArray<std::uint32_t>>(device, column, n);
    count_ = std::make_unique<DeviceArray<std::uint32_t>>(device, count, n);
  }
  bool resident() const { return count_ != nullptr; }
  const std::uint32_t* column() const { return column_->data(); }
  const std::uint32_t* count() const { return count_->data(); }

 private:
  std::unique_ptr<DeviceArray<std::uint32_t>> column_, count_;
};

/// A tile of pieces on the device: its entries (sent, unless the rows are there already), their limits and rows.
struct PiecesThere {
  PiecesThere(const Device& device, const Rows& rows, const Pieces& pieces, const Tile& tile)
      : count_of(tile.last - tile.first) {
    const auto first = static_cast<std::size_t>(tile.first), last = static_cast<std::size_t>(tile.last);
    const std::int64_t from = pieces.start[first], n = pieces.start[last] - from;
    std::vector<std::int64_t> limits(pieces.start.begin() + tile.first, pieces.start.begin() + tile.last + 1);
    for (auto& limit : limits) limit -= from;
    start = std::make_unique<DeviceArray<std::int64_t>>(device, limits);
    row = std::make_unique<DeviceArray<std::int64_t>>(device, pieces.row.data() + first, count_of);
    const auto* held = dynamic_cast<const DeviceRows*>(&rows);
    if (held && held->resident()) {
      column = held->column() + from;
      count = held->count() + from;
      return;
    }
    sent_column = std::make_unique<DeviceArray<std::uint32_t>>(device, rows.view.column + from, n);
    sent_count = std::make_unique<DeviceArray<std::uint32_t>>(device, rows.view.count + from, n);
    column = sent_column->data();
    count = sent_count->data();
  }
  std::int64_t count_of;
  std::unique_ptr<DeviceArray<std::int64_t>> start, row;
  std::unique_ptr<DeviceArray<std::uint32_t>> sent_column, sent_count;
  const std::uint32_t *column = nullptr, *count = nullptr;
};

}  // namespace scriptorium::compute
