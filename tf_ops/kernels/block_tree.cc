#include "kernels/block_tree.h"

#include <algorithm>
#include <array>
#include <limits>

namespace gspn {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int kCellBits = 10;  // per axis
constexpr int kCells = 1 << kCellBits;

// Cubic cells over the region that holds nearly all points: stray ones far
// away, which would squeeze the others into a cell, share the outermost cells.
struct Grid {
  float origin[3] = {0, 0, 0};
  float cells_per_metre = 0;

  Grid(const float* points, int64_t n) {
    constexpr int64_t kSample = 256;
    const int64_t step = n / kSample + 1;
    float largest = 0;
    for (int axis = 0; axis < 3; ++axis) {
      float sample[kSample];
      int64_t count = 0;
      for (int64_t i = 0; i < n; i += step) {
        const float v = points[3 * i + axis];
        if (std::isfinite(v)) sample[count++] = v;
      }
      if (count == 0) continue;
      std::sort(sample, sample + count);
      const float low = sample[count / 32];
      const float width = sample[count - 1 - count / 32] - low;
      origin[axis] = low - 0.25f * width;
      largest = std::max(largest, 1.5f * width);
    }
    if (std::isnormal(largest)) cells_per_metre = kCells / largest;
  }

  uint32_t Cell(float v, int axis) const {
    const float cell = (v - origin[axis]) * cells_per_metre;
    // Not a clamp: infinity times zero is NaN, and belongs somewhere too.
    if (!(cell > 0)) return 0;
    return cell < kCells ? static_cast<uint32_t>(cell) : kCells - 1;
  }
};

// Spreads 10 bits to every third place.
uint32_t Spread(uint32_t v) {
  v = (v | v << 16) & 0x030000ff;
  v = (v | v << 8) & 0x0300f00f;
  v = (v | v << 4) & 0x030c30c3;
  return (v | v << 2) & 0x09249249;
}

struct Coded {
  uint32_t code;
  int32_t index;
};

// Stable sort by code, one digit of kCellBits after the other.
void RadixSort(std::vector<Coded>* points) {
  std::vector<Coded> other(points->size());
  for (int digit = 0; digit < 3; ++digit) {
    const int shift = digit * kCellBits;
    std::array<int64_t, kCells> next = {};
    for (const Coded& p : *points) ++next[p.code >> shift & (kCells - 1)];
    int64_t total = 0;
    for (int64_t& start : next) {
      const int64_t count = start;
      start = total;
      total += count;
    }
    for (const Coded& p : *points) {
      other[next[p.code >> shift & (kCells - 1)]++] = p;
    }
    points->swap(other);
  }
}

// Bounding box of the valid places of a block of boxes, stored at `place`.
void Enclose(const float* lo, const float* hi, BlockTree::Boxes* out,
             int64_t place) {
  for (int64_t axis = 0; axis < 3; ++axis) {
    const float* from = lo + axis * kBlock;
    const float* to = hi + axis * kBlock;
    float low = from[0], high = to[0];
    for (int64_t i = 1; i < kBlock; ++i) {
      low = from[i] < low ? from[i] : low;
      high = to[i] > high ? to[i] : high;
    }
    out->lo[axis * kBlock + place] = low;
    out->hi[axis * kBlock + place] = high;
  }
}

BlockTree::Boxes NoBoxes() {
  BlockTree::Boxes boxes;
  std::fill(boxes.lo, boxes.lo + 3 * kBlock, kNaN);
  std::fill(boxes.hi, boxes.hi + 3 * kBlock, kNaN);
  return boxes;
}

}  // namespace

std::vector<int32_t> MortonOrder(const float* points, int64_t n) {
  const Grid grid(points, n);
  std::vector<Coded> coded;
  coded.reserve(n);
  for (int64_t i = 0; i < n; ++i) {
    const float* p = points + 3 * i;
    if (!IsFinite(p)) continue;
    const uint32_t code = Spread(grid.Cell(p[0], 0)) |
                          Spread(grid.Cell(p[1], 1)) << 1 |
                          Spread(grid.Cell(p[2], 2)) << 2;
    coded.push_back({code, static_cast<int32_t>(i)});
  }
  RadixSort(&coded);
  std::vector<int32_t> order(coded.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = coded[i].index;
  return order;
}

BlockTree::BlockTree(const float* points, int64_t n) {
  const std::vector<int32_t> order = MortonOrder(points, n);
  const int64_t count = static_cast<int64_t>(order.size());
  if (count == 0) return;
  leaves_.resize((count + kBlock - 1) / kBlock);
  Leaf& last = leaves_.back();
  std::fill(last.points, last.points + 3 * kBlock, kNaN);
  std::fill(last.indices, last.indices + kBlock, INT32_MAX);
  for (int64_t i = 0; i < count; ++i) {
    Leaf& leaf = leaves_[i / kBlock];
    leaf.indices[i % kBlock] = order[i];
    for (int64_t axis = 0; axis < 3; ++axis) {
      leaf.points[axis * kBlock + i % kBlock] = points[3 * order[i] + axis];
    }
  }
  while (levels_.empty() || size(top()) > 1) {
    const int level = top();
    std::vector<Boxes> parents((size(level) + kBlock - 1) / kBlock, NoBoxes());
    for (int64_t i = 0; i < size(level); ++i) {
      const float* lo = level == 0 ? leaf(i).points : boxes(level, i).lo;
      const float* hi = level == 0 ? leaf(i).points : boxes(level, i).hi;
      Enclose(lo, hi, &parents[i / kBlock], i % kBlock);
    }
    levels_.push_back(std::move(parents));
  }
}

}  // namespace gspn
