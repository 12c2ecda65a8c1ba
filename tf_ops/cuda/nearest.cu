// Nearest neighbours: every query against every point. A thread keeps the
// neighbours of one query in registers; a block walks through the points in
// shared memory. Points come in index order and only a smaller distance
// replaces another, so ties go to the lower index.
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMaxNeighbors = 32;  // more are found in several passes
constexpr float kInfinity = __builtin_inff();

// The K nearest so far, ascending.
template <int K>
struct Neighbors {
  float distances[K];
  int32_t indices[K];

  __device__ Neighbors() {
#pragma unroll
    for (int j = 0; j < K; ++j) distances[j] = kInfinity, indices[j] = 0;
  }

  // Loops are unrolled, so that the arrays stay in registers.
  __device__ void Insert(float d, int32_t index) {
    if (!(d < distances[K - 1])) return;
#pragma unroll
    for (int j = K - 1; j > 0; --j) {
      const bool before = d < distances[j - 1], here = d < distances[j];
      indices[j] = before ? indices[j - 1] : (here ? index : indices[j]);
      distances[j] = before ? distances[j - 1] : (here ? d : distances[j]);
    }
    if (d < distances[0]) distances[0] = d, indices[0] = index;
  }
};

// The neighbours [begin, min(begin + K, k)) of the k nearest; those before, if
// any, have been found: what is not after the last of them is left out.
template <int K>
__global__ void __launch_bounds__(kThreads)
    Nearest(const float* points, const int32_t* num_points, int64_t batch,
            int64_t n, const float* queries, int64_t m, int64_t begin,
            int64_t k, float* distances, int32_t* indices) {
  __shared__ float4 tile[kThreads];
  const int64_t chunks = CeilDiv(m, kThreads);
  for (int64_t u = blockIdx.x; u < batch * chunks; u += gridDim.x) {
    const int64_t b = u / chunks, row = u % chunks * kThreads + threadIdx.x;
    const int64_t q = b * m + row;
    const Point query = row < m ? Load(queries + 3 * q) : Point{};
    float last = -1.0f;
    int32_t last_index = 0;
    if (begin > 0 && row < m) {
      last = distances[q * k + begin - 1];
      last_index = indices[q * k + begin - 1];
    }
    Neighbors<K> found;
    ForEachPoint(points + b * n * 3, num_points[b], tile,
                 [&](int32_t i, Point p) {
                   const float d = SquaredDistance(query, p);
                   const bool after = d > last || (d == last && i > last_index);
                   if (after) found.Insert(d, i);
                 });
    if (row >= m) continue;
#pragma unroll
    for (int j = 0; j < K; ++j) {
      if (begin + j >= k) break;
      distances[q * k + begin + j] = found.distances[j];
      indices[q * k + begin + j] = found.indices[j];
    }
  }
}

template <int K>
cudaError_t LaunchNearest(const float* points, const int32_t* num_points,
                          int64_t batch, int64_t n, const float* queries,
                          int64_t m, int64_t begin, int64_t k, float* distances,
                          int32_t* indices, void* stream) {
  return Launch(stream, batch * CeilDiv(m, kThreads), kThreads, Nearest<K>,
                points, num_points, batch, n, queries, m, begin, k, distances,
                indices);
}

// The slots [begin, k) of every query, `missing` in all: there are no
// neighbours.
__global__ void SetMissing(int64_t missing, int64_t begin, int64_t k,
                           float* distances, int32_t* indices) {
  for (int64_t i = GlobalThread(); i < missing; i += NumThreads()) {
    const int64_t at = i / (k - begin) * k + begin + i % (k - begin);
    distances[at] = kInfinity;
    indices[at] = 0;
  }
}

// One direction of nn_distance, in which padding and empty clouds give 0.
__global__ void __launch_bounds__(kThreads)
    NearestRow(const float* to, const int32_t* num_to, const float* from,
               const int32_t* num_from, int64_t batch, int64_t n, int64_t m,
               float* distances, int32_t* indices) {
  __shared__ float4 tile[kThreads];
  const int64_t chunks = CeilDiv(m, kThreads);
  for (int64_t u = blockIdx.x; u < batch * chunks; u += gridDim.x) {
    const int64_t b = u / chunks, begin = u % chunks * kThreads;
    const int64_t row = begin + threadIdx.x, q = b * m + row;
    const bool real = row < num_from[b] && num_to[b] > 0;
    const Point query = real ? Load(from + 3 * q) : Point{};
    float distance = real ? kInfinity : 0.0f;
    int32_t nearest = 0;
    // A block of padding has nothing to look for.
    const int64_t count = begin < num_from[b] ? num_to[b] : 0;
    ForEachPoint(to + b * n * 3, count, tile, [&](int32_t i, Point p) {
      const float d = SquaredDistance(query, p);
      if (d < distance) distance = d, nearest = i;
    });
    if (row >= m) continue;
    distances[q] = distance;
    indices[q] = nearest;
  }
}

// The value of the nearest of m samples for the points inside a box.
__global__ void __launch_bounds__(kThreads)
    Assign(const float* points, const int32_t* num_points, const float* samples,
           const float* values, const float* boxes, int64_t num_boxes,
           int64_t n, int64_t d, int64_t m, float* out) {
  __shared__ float4 tile[kThreads];
  const int64_t chunks = CeilDiv(n, kThreads);
  for (int64_t u = blockIdx.x; u < num_boxes * chunks; u += gridDim.x) {
    const int64_t r = u / chunks, b = r / d;
    const int64_t i = u % chunks * kThreads + threadIdx.x;
    const bool real = i < num_points[b];
    const Point point = real ? Load(points + 3 * (b * n + i)) : Point{};
    const bool inside = real && Contains(LoadBox(boxes + 6 * r, 0.0f), point);
    float distance = kInfinity, value = 0;
    if (__syncthreads_or(inside)) {
      int32_t nearest = 0;
      ForEachPoint(samples + 3 * r * m, m, tile, [&](int32_t s, Point p) {
        const float to_sample = SquaredDistance(point, p);
        if (to_sample < distance) distance = to_sample, nearest = s;
      });
      if (inside && distance < kInfinity) value = values[r * m + nearest];
    }
    if (i < n) out[r * n + i] = value;
  }
}

}  // namespace
}  // namespace cuda
}  // namespace gspn

int gspn_cuda_knn(const float* points, const int32_t* num_points, int64_t batch,
                  int64_t n, const float* queries, int64_t m, int64_t k,
                  float* distances, int32_t* indices, void* stream) {
  using namespace gspn::cuda;
  const auto launch = k <= 1    ? LaunchNearest<1>
                      : k <= 3  ? LaunchNearest<3>
                      : k <= 8  ? LaunchNearest<8>
                      : k <= 16 ? LaunchNearest<16>
                                : LaunchNearest<32>;
  int64_t begin = 0;
  for (; begin < std::min(k, n); begin += kMaxNeighbors) {
    GSPN_RETURN_IF_ERROR(launch(points, num_points, batch, n, queries, m, begin,
                                k, distances, indices, stream));
  }
  const int64_t missing = batch * m * std::max<int64_t>(k - begin, 0);
  return Launch(stream, CeilDiv(missing, kThreads), kThreads, SetMissing,
                missing, begin, k, distances, indices);
}

int gspn_cuda_nearest(const float* to, const int32_t* num_to, const float* from,
                      const int32_t* num_from, int64_t batch, int64_t n,
                      int64_t m, float* distances, int32_t* indices,
                      void* stream) {
  using namespace gspn::cuda;
  return Launch(stream, batch * CeilDiv(m, kThreads), kThreads, NearestRow, to,
                num_to, from, num_from, batch, n, m, distances, indices);
}

int gspn_cuda_nearest_assign(const float* points, const int32_t* num_points,
                             const float* samples, const float* values,
                             const float* boxes, int64_t batch, int64_t n,
                             int64_t d, int64_t m, float* out, void* stream) {
  using namespace gspn::cuda;
  return Launch(stream, batch * d * CeilDiv(n, kThreads), kThreads, Assign,
                points, num_points, samples, values, boxes, batch * d, n, d, m,
                out);
}
