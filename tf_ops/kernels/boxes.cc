// Points inside boxes: seeded sampling, and projection of sampled values.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

constexpr int64_t kBlock = gspn::kBlock;

// Calls visit(i) for the indices of the points inside the box, ascending.
template <typename Visit>
void ForEachInside(const gspn::Coordinates& at, const float* box, float margin,
                   Visit visit) {
  float lo[3], hi[3];
  for (int axis = 0; axis < 3; ++axis) {
    const float half = 0.5f * box[3 + axis] + margin;
    lo[axis] = box[axis] - half;
    hi[axis] = box[axis] + half;
  }
  const gspn::Simd& simd = gspn::BestSimd();
  int32_t inside[kBlock];
  for (int64_t i = 0; i < at.padded; i += kBlock) {
    if (simd.inside(at.x(i), at.y(i), at.z(i), lo, hi, inside) == 0) continue;
    for (int64_t j = 0; j < kBlock; ++j) {
      if (inside[j] != 0) visit(i + j);
    }
  }
}

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
  std::vector<int32_t> members;
  for (int64_t r = begin; r < end; ++r) {
    members.clear();
    ForEachInside(cloud->coordinates, boxes + 6 * r, margin, [&](int64_t i) {
      members.push_back(static_cast<int32_t>(i));
    });
    const int64_t count = static_cast<int64_t>(members.size());
    const uint64_t box_key = Mix(cloud_key + r);
    counts[r] = static_cast<int32_t>(count);
    for (int64_t s = 0; s < m; ++s) {
      indices[r * m + s] =
          count == 0 ? 0 : members[Below(Mix(box_key + s), count)];
    }
  }
}

void gspn_nearest_assign(const float* points, int64_t n, const float* box,
                         const float* samples, const float* values, int64_t m,
                         float* out) {
  std::fill(out, out + n, 0.0f);
  if (m == 0) return;
  std::vector<int64_t> members;
  std::vector<float> inside;
  ForEachInside(gspn::Coordinates(points, n), box, 0.0f, [&](int64_t i) {
    members.push_back(i);
    inside.insert(inside.end(), points + 3 * i, points + 3 * i + 3);
  });
  const int64_t count = static_cast<int64_t>(members.size());
  std::vector<float> distances(count);
  std::vector<int32_t> nearest(count);
  gspn_nearest(samples, m, inside.data(), count, distances.data(),
               nearest.data());
  for (int64_t i = 0; i < count; ++i) {
    if (distances[i] < std::numeric_limits<float>::infinity()) {
      out[members[i]] = values[nearest[i]];
    }
  }
}
