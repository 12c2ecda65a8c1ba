// Sampling of points inside boxes. They are counted in chunks; after summing
// the counts, a draw finds its chunk by bisection and its point by counting
// again in that chunk only.
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kChunk = 256;

// One warp per chunk: starts[box, chunk] = how many of its points are inside.
__global__ void __launch_bounds__(kThreads)
    CountInside(const float* points, const int32_t* num_points,
                const float* boxes, int64_t num_boxes, int64_t n, int64_t r,
                int64_t chunks, float margin, int32_t* starts) {
  for (int64_t u = GlobalWarp(); u < num_boxes * chunks; u += NumWarps()) {
    const int64_t row = u / chunks, b = row / r, real = num_points[b];
    const Box box = LoadBox(boxes + 6 * row, margin);
    const int64_t begin = u % chunks * kChunk;
    int32_t count = 0;
    for (int64_t i = begin + Lane(); i < begin + kChunk; i += kWarp) {
      const bool inside =
          i < real && Contains(box, Load(points + 3 * (b * n + i)));
      count += __popc(__ballot_sync(kAllLanes, inside));
    }
    if (Lane() == 0) starts[u] = count;
  }
}

// One warp per box: sums over the chunks before, and over all of them.
__global__ void __launch_bounds__(kThreads)
    ScanChunks(int64_t num_boxes, int64_t chunks, int32_t* starts,
               int32_t* counts) {
  for (int64_t row = GlobalWarp(); row < num_boxes; row += NumWarps()) {
    const int32_t total = WarpExclusiveScan(starts + row * chunks, chunks);
    if (Lane() == 0) counts[row] = total;
  }
}

// Finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits.
__host__ __device__ uint64_t Mix(uint64_t v) {
  v += 0x9e3779b97f4a7c15u;
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
  return v ^ (v >> 31);
}

// The upper 32 bits of v, scaled to [0, count).
__device__ int32_t Below(uint64_t v, int32_t count) {
  return static_cast<int32_t>(((v >> 32) * static_cast<uint64_t>(count)) >> 32);
}

// The last chunk that starts at or before the rank.
__device__ int64_t FindChunk(const int32_t* starts, int64_t chunks,
                             int32_t rank) {
  int64_t low = 0, high = chunks;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (starts[middle] <= rank) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// One warp per draw.
__global__ void __launch_bounds__(kThreads)
    Draw(const float* points, const int32_t* num_points, const float* boxes,
         const int32_t* starts, const int32_t* counts, uint64_t seed,
         int64_t num_boxes, int64_t n, int64_t r, int64_t m, int64_t chunks,
         float margin, int32_t* indices) {
  for (int64_t u = GlobalWarp(); u < num_boxes * m; u += NumWarps()) {
    const int64_t row = u / m, b = row / r, s = u - row * m;
    const int32_t count = counts[row];
    if (count == 0) {
      if (Lane() == 0) indices[u] = 0;
      continue;
    }
    const uint64_t box_key = Mix(Mix(seed + b) + (row - b * r));
    const int32_t rank = Below(Mix(box_key + s), count);
    const int32_t* row_starts = starts + row * chunks;
    const int64_t chunk = FindChunk(row_starts, chunks, rank);
    const Box box = LoadBox(boxes + 6 * row, margin);
    const int64_t begin = chunk * kChunk, real = num_points[b];
    int32_t before = row_starts[chunk];
    for (int64_t i = begin + Lane(); i < begin + kChunk; i += kWarp) {
      const bool inside =
          i < real && Contains(box, Load(points + 3 * (b * n + i)));
      const unsigned mask = __ballot_sync(kAllLanes, inside);
      if (inside && before + RankInMask(mask) == rank) {
        indices[u] = static_cast<int32_t>(i);
      }
      before += __popc(mask);
    }
  }
}

}  // namespace
}  // namespace cuda
}  // namespace gspn

size_t gspn_cuda_sample_in_boxes_scratch_bytes(int64_t batch, int64_t n,
                                               int64_t r) {
  using namespace gspn::cuda;
  Arena arena(nullptr);
  arena.Take<int32_t>(batch * r * CeilDiv(n, kChunk));
  return arena.bytes();
}

int gspn_cuda_sample_in_boxes(const float* points, const int32_t* num_points,
                              const float* boxes, const int32_t* seed,
                              int64_t batch, int64_t n, int64_t r, int64_t m,
                              float margin, int32_t* indices, int32_t* counts,
                              void* scratch, void* stream) {
  using namespace gspn::cuda;
  const int64_t num_boxes = batch * r, chunks = CeilDiv(n, kChunk);
  int32_t* starts = static_cast<int32_t*>(scratch);
  const uint64_t high = static_cast<uint32_t>(seed[0]);
  const uint64_t low = static_cast<uint32_t>(seed[1]);
  GSPN_RETURN_IF_ERROR(Launch(stream, CeilDiv(num_boxes * chunks, kWarps),
                              kThreads, CountInside, points, num_points, boxes,
                              num_boxes, n, r, chunks, margin, starts));
  GSPN_RETURN_IF_ERROR(Launch(stream, CeilDiv(num_boxes, kWarps), kThreads,
                              ScanChunks, num_boxes, chunks, starts, counts));
  return Launch(stream, CeilDiv(num_boxes * m, kWarps), kThreads, Draw, points,
                num_points, boxes, starts, counts, Mix(high << 32 | low),
                num_boxes, n, r, m, chunks, margin, indices);
}
