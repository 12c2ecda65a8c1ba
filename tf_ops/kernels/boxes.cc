// Points inside boxes: seeded sampling, projection of sampled values.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

#include "kernels/cloud.h"
#include "kernels/index_set.h"
#include "kernels/kernels.h"

namespace {

constexpr int64_t kBlock = gspn::kBlock;

// Finds the points inside one box after the other.
class BoxSearch {
 public:
  BoxSearch(const GspnCloud& cloud, float margin)
      : cloud_(cloud),
        simd_(gspn::BestSimd()),
        margin_(margin),
        set_(cloud.tree.empty() ? 0 : cloud.n),
        members_(new int32_t[cloud.n]) {}

  // Number of points inside; members() are their indices, ascending.
  int64_t Run(const float* box) {
    float lo[3], hi[3];
    for (int axis = 0; axis < 3; ++axis) {
      const float half = 0.5f * box[3 + axis] + margin_;
      lo[axis] = box[axis] - half;
      hi[axis] = box[axis] + half;
    }
    const auto touching = [&](const float* from, const float* to) {
      return simd_.touching(from, to, lo, hi);
    };
    if (!cloud_.tree.empty()) {
      cloud_.tree.Search(touching, [&](int32_t index) { set_.Add(index); });
      return set_.Drain(cloud_.n, members_.get());
    }
    int64_t count = 0;
    for (int64_t i = 0; i < cloud_.blocks.size(); ++i) {
      uint64_t mask = touching(cloud_.blocks[i], cloud_.blocks[i]);
      for (; mask != 0; mask &= mask - 1) {
        members_[count++] = i * kBlock + __builtin_ctzll(mask);
      }
    }
    return count;
  }

  const int32_t* members() const { return members_.get(); }

 private:
  const GspnCloud& cloud_;
  const gspn::Simd& simd_;
  const float margin_;
  gspn::IndexSet set_;
  // Not cleared: only the pages of as many as there are inside are used.
  std::unique_ptr<int32_t[]> members_;
};

// Finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits.
uint64_t Mix(uint64_t v) {
  v += 0x9e3779b97f4a7c15u;
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
  return v ^ (v >> 31);
}

// The upper 32 bits of v, scaled to [0, count).
int64_t Below(uint64_t v, int64_t count) {
  return static_cast<int64_t>(((v >> 32) * static_cast<uint64_t>(count)) >> 32);
}

}  // namespace

void gspn_sample_in_boxes(const GspnCloud* cloud, const float* boxes,
                          int64_t begin, int64_t end, const int32_t* seed,
                          int64_t stream, int64_t m, float margin,
                          int32_t* indices, int32_t* counts) {
  const uint64_t high = static_cast<uint32_t>(seed[0]);
  const uint64_t low = static_cast<uint32_t>(seed[1]);
  const uint64_t cloud_key = Mix(Mix(high << 32 | low) + stream);
  BoxSearch search(*cloud, margin);
  for (int64_t r = begin; r < end; ++r) {
    const int64_t count = search.Run(boxes + 6 * r);
    const uint64_t box_key = Mix(cloud_key + r);
    counts[r] = static_cast<int32_t>(count);
    for (int64_t s = 0; s < m; ++s) {
      indices[r * m + s] =
          count == 0 ? 0 : search.members()[Below(Mix(box_key + s), count)];
    }
  }
}

void gspn_nearest_assign(const GspnCloud* cloud, const float* points,
                         const float* boxes, const float* samples,
                         const float* values, int64_t d, int64_t m,
                         int64_t stride, float* out) {
  constexpr int64_t kChunk = 256;  // points inside at a time
  float inside[3 * kChunk], distances[kChunk];
  int32_t nearest[kChunk];
  BoxSearch search(*cloud, 0.0f);
  std::fill(out, out + d * stride, 0.0f);
  for (int64_t i = 0; i < d && m > 0; ++i) {
    const int64_t count = search.Run(boxes + 6 * i);
    for (int64_t begin = 0; begin < count; begin += kChunk) {
      const int64_t size = std::min(kChunk, count - begin);
      const int32_t* members = search.members() + begin;
      for (int64_t j = 0; j < size; ++j) {
        std::copy_n(points + 3 * members[j], 3, inside + 3 * j);
      }
      gspn_nearest(samples + i * m * 3, m, inside, size, distances, nearest);
      for (int64_t j = 0; j < size; ++j) {
        if (distances[j] < std::numeric_limits<float>::infinity()) {
          out[i * stride + members[j]] = values[i * m + nearest[j]];
        }
      }
    }
  }
}
