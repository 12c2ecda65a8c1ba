#include "kernels/block_tree.h"

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/threads.h"

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

// One stable pass of a sort by one digit of the code. The n items that get()
// gives, without those of kNowhere, go to put(place, item). Chunks of them are
// counted, then moved, at the same time.
template <typename Get, typename Put>
void SortPass(const GspnThreads* threads, int64_t n, int digit, const Get& get,
              const Put& put) {
  constexpr int kBits = 10, kValues = 1 << kBits;
  constexpr int64_t kMostChunks = 32, kSmallestChunk = 4096;
  const int64_t chunk = std::max(kSmallestChunk, n / kMostChunks + 1);
  std::vector<std::array<uint32_t, kValues>> next((n + chunk - 1) / chunk);
  const auto every = [&](const auto& visit) {
    ParallelFor(threads, next.size(), 2 * chunk, [&](int64_t c, int64_t end) {
      for (; c < end; ++c) {
        for (int64_t i = c * chunk; i < std::min(n, (c + 1) * chunk); ++i) {
          const Coded item = get(i);
          if (item.code == kNowhere) continue;
          visit(next[c][item.code >> digit * kBits & (kValues - 1)], item);
        }
      }
    });
  };
  every([](uint32_t& count, const Coded&) { ++count; });
  uint32_t total = 0;
  for (int value = 0; value < kValues; ++value) {
    for (auto& places : next) {
      const uint32_t count = places[value];
      places[value] = total;
      total += count;
    }
  }
  every([&](uint32_t& place, const Coded& item) { put(place++, item); });
}

// The indices of the codes that stand for a place, in the order of the codes,
// equal ones ascending. A few points are not sorted within cells of 1/64 of
// the region.
std::vector<int32_t> SortedIndices(const uint32_t* codes, int64_t n,
                                   const GspnThreads* threads) {
  constexpr int64_t kFew = 1 << 16;
  const int64_t count = n - std::count(codes, codes + n, kNowhere);
  const LargeArray<Coded> b = AllocateLarge<Coded>(count);
  std::vector<int32_t> order(count);
  const auto coded = [&](int64_t i) {
    return Coded{codes[i], static_cast<int32_t>(i)};
  };
  const auto from = [](const auto& items) {
    return [&items](int64_t i) { return items[i]; };
  };
  const auto into = [](const auto& items) {
    return [&items](int64_t at, const Coded& item) { items[at] = item; };
  };
  if (n < kFew) {
    SortPass(threads, n, 1, coded, into(b));
  } else {
    const LargeArray<Coded> a = AllocateLarge<Coded>(count);
    SortPass(threads, n, 0, coded, into(a));
    SortPass(threads, count, 1, from(a), into(b));
  }
  SortPass(threads, count, 2, from(b),
           [&](int64_t at, const Coded& item) { order[at] = item.index; });
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

void FillLeaf(const float* points, const int32_t* indices, int64_t count,
              BlockTree::Leaf* leaf) {
  for (int64_t i = 0; i < kBlock; ++i) {
    leaf->indices[i] = i < count ? indices[i] : INT32_MAX;
    for (int64_t axis = 0; axis < 3; ++axis) {
      leaf->points[axis * kBlock + i] =
          i < count ? points[3 * indices[i] + axis] : kNaN;
    }
  }
}

}  // namespace

std::vector<int32_t> MortonOrder(const float* points, int64_t n,
                                 const GspnThreads* threads) {
  const Grid grid(points, n);
  const LargeArray<uint32_t> codes = AllocateLarge<uint32_t>(n);
  ParallelFor(threads, n, 2, [&](int64_t begin, int64_t end) {
    BestSimd().curve_codes(points + 3 * begin, end - begin, grid.origin,
                           grid.cells_per_metre, codes.get() + begin);
  });
  return SortedIndices(codes.get(), n, threads);
}

BlockTree::BlockTree(const float* points, int64_t n,
                     const GspnThreads* threads) {
  const std::vector<int32_t> order = MortonOrder(points, n, threads);
  const int64_t count = static_cast<int64_t>(order.size());
  if (count == 0) return;
  num_leaves_ = (count + kBlock - 1) / kBlock;
  leaves_ = AllocateLarge<Leaf>(num_leaves_);
  ParallelFor(threads, num_leaves_, 2 * kBlock,
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t first = i * kBlock;
                  FillLeaf(points, order.data() + first,
                           std::min(kBlock, count - first), &leaves_[i]);
                }
              });
  while (levels_.empty() || size(top()) > 1) {
    const int level = top();
    const int64_t children = size(level);
    std::vector<Boxes> parents((children + kBlock - 1) / kBlock);
    ParallelFor(threads, parents.size(), kBlock * kBlock,
                [&](int64_t begin, int64_t end) {
                  std::fill(parents.begin() + begin, parents.begin() + end,
                            NoBoxes());
                  end = std::min(children, end * kBlock);
                  for (int64_t i = begin * kBlock; i < end; ++i) {
                    const bool low = level == 0;
                    Enclose(low ? leaf(i).points : boxes(level, i).lo,
                            low ? leaf(i).points : boxes(level, i).hi,
                            &parents[i / kBlock], i % kBlock);
                  }
                });
    levels_.push_back(std::move(parents));
  }
}

}  // namespace gspn
