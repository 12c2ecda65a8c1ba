// One warp per query. Its lanes look at consecutive points, so that the ballot
// of their hits gives every hit its slot in index order; the scan ends when K
// are found.
#include <cfloat>
#include <cmath>
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kUnroll =
    4;  // points per lane whose loads are in flight together

// The largest squared distance whose square root is below the radius.
float SquaredLimit(float radius) {
  float limit = std::min(radius * radius, FLT_MAX);
  while (limit > 0 && std::sqrt(limit) >= radius) {
    limit = std::nextafter(limit, 0.0f);
  }
  while (limit < FLT_MAX) {
    const float next = std::nextafter(limit, FLT_MAX);
    if (std::sqrt(next) >= radius) break;
    limit = next;
  }
  return limit;
}

__global__ void __launch_bounds__(kThreads)
    Query(const float* points, const int32_t* num_points, int64_t n,
          const float* queries, int64_t num_queries, int64_t m, float limit,
          int64_t k, int32_t* indices, int32_t* counts) {
  for (int64_t q = GlobalWarp(); q < num_queries; q += NumWarps()) {
    const int64_t b = q / m, real = num_points[b];
    const float* cloud = points + b * n * 3;
    const Point query = Load(queries + 3 * q);
    int32_t* hits = indices + q * k;
    int64_t count = 0;
    int32_t first = 0;
    for (int64_t base = 0; base < real && count < k; base += kUnroll * kWarp) {
      bool hit[kUnroll];
      for (int u = 0; u < kUnroll; ++u) {
        const int64_t i = base + u * kWarp + Lane();
        hit[u] =
            i < real && SquaredDistance(Load(cloud + 3 * i), query) <= limit;
      }
      for (int u = 0; u < kUnroll; ++u) {
        const unsigned mask = __ballot_sync(kAllLanes, hit[u]);
        if (mask == 0) continue;
        const int32_t start = static_cast<int32_t>(base) + u * kWarp;
        if (count == 0) first = start + __ffs(mask) - 1;
        const int64_t slot = count + RankInMask(mask);
        if (hit[u] && slot < k) hits[slot] = start + Lane();
        count += __popc(mask);
      }
    }
    if (count > k) count = k;
    for (int64_t slot = count + Lane(); slot < k; slot += kWarp) {
      hits[slot] = first;
    }
    if (Lane() == 0) counts[q] = static_cast<int32_t>(count);
  }
}

}  // namespace
}  // namespace cuda
}  // namespace gspn

int gspn_cuda_ball_query(const float* points, const int32_t* num_points,
                         int64_t batch, int64_t n, const float* queries,
                         int64_t m, float radius, int64_t k, int32_t* indices,
                         int32_t* counts, void* stream) {
  using namespace gspn::cuda;
  return Launch(stream, CeilDiv(batch * m, kThreads / kWarp), kThreads, Query,
                points, num_points, n, queries, batch * m, m,
                SquaredLimit(radius), k, indices, counts);
}
