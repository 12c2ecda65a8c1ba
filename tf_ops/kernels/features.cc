// Gathering of feature rows, and its gradient as a sum per row: inverting the
// indices first lets every row be summed by one thread, always in the same
// order.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/kernels.h"

namespace {

// In an order that the lanes of a warp can follow, and the compiler vectorise.
float DotProduct(const float* a, const float* b, int64_t channels) {
  constexpr int64_t kLanes = 32;
  float sums[kLanes] = {};
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) sums[l] += a[c + l] * b[c + l];
  }
  for (int64_t l = 0; c + l < channels; ++l) sums[l] += a[c + l] * b[c + l];
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t l = 0; l < half; ++l) sums[l] += sums[l + half];
  }
  return sums[0];
}

}  // namespace

int64_t gspn_find_bad_index(const int32_t* indices, int64_t count, int64_t n) {
  constexpr int64_t kChunk = 1024;
  const auto bad = [n](int32_t index) { return (index < 0) | (index >= n); };
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    const int64_t end = std::min(count, begin + kChunk);
    // Without an exit the compiler vectorises this loop.
    bool found = false;
    for (int64_t i = begin; i < end; ++i) found |= bad(indices[i]);
    if (found)
      return std::find_if(indices + begin, indices + end, bad) - indices;
  }
  return -1;
}

void gspn_group_points(const float* features, int64_t channels,
                       const int32_t* indices, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * channels, features + indices[i] * channels,
                channels * sizeof(float));
  }
}

void gspn_three_interpolate(const float* features, int64_t channels,
                            const int32_t* indices, const float* weights,
                            int64_t m, float* out) {
  for (int64_t q = 0; q < m; ++q) {
    const float* a = features + indices[3 * q] * channels;
    const float* b = features + indices[3 * q + 1] * channels;
    const float* c = features + indices[3 * q + 2] * channels;
    const float u = weights[3 * q], v = weights[3 * q + 1];
    const float w = weights[3 * q + 2];
    float* __restrict row = out + q * channels;
    for (int64_t k = 0; k < channels; ++k) {
      row[k] = (u * a[k] + v * b[k]) + w * c[k];
    }
  }
}

void gspn_three_interpolate_weights_grad(const float* features,
                                         int64_t channels,
                                         const int32_t* indices,
                                         const float* gradient, int64_t m,
                                         float* out) {
  for (int64_t slot = 0; slot < 3 * m; ++slot) {
    out[slot] = DotProduct(features + indices[slot] * channels,
                           gradient + slot / 3 * channels, channels);
  }
}

void gspn_invert_indices(const int32_t* indices, int64_t count, int64_t n,
                         int64_t* starts, int64_t* slots) {
  std::fill(starts, starts + n + 1, 0);
  for (int64_t s = 0; s < count; ++s) ++starts[indices[s] + 1];
  for (int64_t i = 0; i < n; ++i) starts[i + 1] += starts[i];
  std::vector<int64_t> next(starts, starts + n);
  for (int64_t s = 0; s < count; ++s) slots[next[indices[s]]++] = s;
}

void gspn_scatter_rows(const float* gradient, int64_t channels,
                       const int64_t* starts, const int64_t* slots,
                       const float* weights, int64_t slots_per_row,
                       int64_t begin, int64_t end, float* out) {
  for (int64_t i = begin; i < end; ++i) {
    float* __restrict row = out + i * channels;
    std::fill(row, row + channels, 0.0f);
    for (int64_t at = starts[i]; at < starts[i + 1]; ++at) {
      const int64_t slot = slots[at];
      const float* from = gradient + slot / slots_per_row * channels;
      const float weight = weights == nullptr ? 1.0f : weights[slot];
      for (int64_t k = 0; k < channels; ++k) row[k] += weight * from[k];
    }
  }
}
