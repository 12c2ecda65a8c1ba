#include "kernels/block_tree.h"

#include <algorithm>
#include <array>
#include <limits>

namespace gspn {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
// Cubic cells over the region that holds nearly all points: stray ones far
// away, which would squeeze the others into a cell, share the outermost cells.
struct Grid {
  float origin[3] = {0, 0, 0};
  float cells_per_metre = 0;

  Grid(const float* points, int64_t n) {
    constexpr int64_t kSample = 64;
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
      const float low = sample[count / 16];
      const float width = sample[count - 1 - count / 16] - low;
      origin[axis] = low - 0.25f * width;
      largest = std::max(largest, 1.5f * width);
    }
    if (std::isnormal(largest)) cells_per_metre = kCurveCells / largest;
  }
};

struct Coded {
  uint32_t code;
  int32_t index;
};

// The indices of the codes that stand for a place, in the order of the codes;
// a stable sort, one digit after the other.
std::vector<int32_t> SortedIndices(const std::vector<uint32_t>& codes) {
  constexpr int kDigits = 3, kBits = 10, kValues = 1 << kBits;
  const auto digit = [](uint32_t code, int d) {
    return code >> d * kBits & (kValues - 1);
  };
  std::array<std::array<uint32_t, kValues>, kDigits> next = {};
  std::vector<Coded> from, to;
  from.reserve(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == kNowhere) continue;
    from.push_back({codes[i], static_cast<int32_t>(i)});
    for (int d = 0; d < kDigits; ++d) ++next[d][digit(codes[i], d)];
  }
  to.resize(from.size());
  std::vector<int32_t> order(from.size());
  for (int d = 0; d < kDigits; ++d) {
    uint32_t total = 0;
    for (uint32_t& start : next[d]) {
      const uint32_t count = start;
      start = total;
      total += count;
    }
    for (const Coded& p : from) {
      const uint32_t at = next[d][digit(p.code, d)]++;
      if (d + 1 < kDigits) {
        to[at] = p;
      } else {
        order[at] = p.index;
      }
    }
    from.swap(to);
  }
  return order;
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
  std::vector<uint32_t> codes(n);
  BestSimd().curve_codes(points, n, grid.origin, grid.cells_per_metre,
                         codes.data());
  return SortedIndices(codes);
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
