// One block per cloud. Points are sorted along a space-filling curve and cut
// into up to 1024 buckets; each lane keeps, in registers, the bounding box of
// one bucket and its farthest point. A new sample only touches the buckets
// whose box is nearer to it than their farthest point is to the samples before:
// no other can change. Rounding is monotone, so the distance to a box never
// exceeds that to a point inside it, and the result is exact.
#include <climits>
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"
#include "cuda/sort.cuh"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarp;
constexpr int kSmallThreads = 256;
constexpr int kAxisBits = 10;
constexpr int kCells = 1 << kAxisBits;
constexpr int kCodeBits = 3 * kAxisBits;

// ------------------------------------------------------------ sorting in space

struct Grid {
  Point lo;
  float cells_per_metre;
};

__device__ Point Min(Point a, Point b) {
  return {fminf(a.x, b.x), fminf(a.y, b.y), fminf(a.z, b.z)};
}

__device__ Point Max(Point a, Point b) {
  return {fmaxf(a.x, b.x), fmaxf(a.y, b.y), fmaxf(a.z, b.z)};
}

__device__ Box EmptyBox() {
  return {{FLT_MAX, FLT_MAX, FLT_MAX}, {-FLT_MAX, -FLT_MAX, -FLT_MAX}};
}

__device__ Point ShuffleXor(Point p, int step) {
  return {__shfl_xor_sync(kAllLanes, p.x, step),
          __shfl_xor_sync(kAllLanes, p.y, step),
          __shfl_xor_sync(kAllLanes, p.z, step)};
}

// The box around the boxes of all lanes.
__device__ Box WarpUnion(Box box) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    box.lo = Min(box.lo, ShuffleXor(box.lo, step));
    box.hi = Max(box.hi, ShuffleXor(box.hi, step));
  }
  return box;
}

// One block per cloud: its finite points in a cube of kCells per edge.
__global__ void __launch_bounds__(kThreads)
    FitGrids(const float* points, const int32_t* num_points, int64_t n,
             Grid* grids) {
  __shared__ Box boxes[kWarps];
  const int64_t b = blockIdx.x;
  Box box = EmptyBox();
  for (int64_t i = threadIdx.x; i < num_points[b]; i += kThreads) {
    const Point p = Load(points + 3 * (b * n + i));
    if (IsFinite(p)) box = {Min(box.lo, p), Max(box.hi, p)};
  }
  box = WarpUnion(box);
  if (Lane() == 0) boxes[Warp()] = box;
  __syncthreads();
  if (Warp() != 0) return;
  box = WarpUnion(boxes[Lane()]);
  const float edge = fmaxf(fmaxf(box.hi.x - box.lo.x, box.hi.y - box.lo.y),
                           box.hi.z - box.lo.z);
  const bool usable = edge > 0 && edge <= FLT_MAX;
  if (Lane() == 0) grids[b] = {box.lo, usable ? kCells / edge : 0.0f};
}

// Every third bit from 0 on: the low kAxisBits bits of v.
__device__ uint32_t Spread(uint32_t v) {
  v = (v | v << 16) & 0x030000ffu;
  v = (v | v << 8) & 0x0300f00fu;
  v = (v | v << 4) & 0x030c30c3u;
  return (v | v << 2) & 0x09249249u;
}

__device__ uint32_t Cell(float offset, float cells_per_metre) {
  const float cell = offset * cells_per_metre;  // NaN becomes 0
  return static_cast<uint32_t>(fminf(fmaxf(cell, 0.0f), kCells - 1.0f));
}

// Key: the cloud, then the position on the curve (unusable points: the end).
// The code loses its low bits where the number of clouds needs them.
__global__ void NamePositions(const float* points, const int32_t* num_points,
                              const Grid* grids, int64_t batch, int64_t n,
                              int dropped_bits, Pairs out) {
  const int64_t total = batch * n;
  for (int64_t i = GlobalThread(); i < total; i += NumThreads()) {
    const int64_t b = i / n;
    const Point p = Load(points + 3 * i);
    uint32_t code = (1u << kCodeBits) - 1;
    if (i - b * n < num_points[b] && IsFinite(p)) {
      const Grid grid = grids[b];
      code = Spread(Cell(p.x - grid.lo.x, grid.cells_per_metre)) |
             Spread(Cell(p.y - grid.lo.y, grid.cells_per_metre)) << 1 |
             Spread(Cell(p.z - grid.lo.z, grid.cells_per_metre)) << 2;
    }
    const int code_bits = kCodeBits - dropped_bits;
    out.keys[i] = static_cast<uint32_t>(static_cast<uint64_t>(b) << code_bits) |
                  code >> dropped_bits;
    out.values[i] = static_cast<int32_t>(i);
  }
}

// Points in sorted order. w: squared distance to the nearest sample so far,
// negative for a point that is never taken.
__global__ void Gather(const float* points, const int32_t* num_points,
                       const int32_t* order, int64_t batch, int64_t n,
                       float4* sorted) {
  const int64_t total = batch * n;
  for (int64_t i = GlobalThread(); i < total; i += NumThreads()) {
    const int64_t from = order[i], b = from / n;
    const Point p = Load(points + 3 * from);
    const bool usable = from - b * n < num_points[b] && IsFinite(p);
    sorted[i] = make_float4(p.x, p.y, p.z, usable ? FLT_MAX : -1.0f);
  }
}

// ------------------------------------------------------------------ sampling

// A point and its key: the larger distance comes first, then the lower index;
// 0 for a point at distance 0, or none.
struct Candidate {
  uint64_t key;
  Point at;
};

__device__ uint64_t Key(float distance, int32_t index) {
  if (!(distance > 0)) return 0;
  return static_cast<uint64_t>(__float_as_uint(distance)) << 32 |
         ~static_cast<uint32_t>(index);
}

__device__ float Distance(uint64_t key) {
  return __uint_as_float(static_cast<uint32_t>(key >> 32));
}

__device__ int32_t Index(uint64_t key) {
  return static_cast<int32_t>(~static_cast<uint32_t>(key));
}

__device__ uint64_t WarpMax(uint64_t key) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const uint32_t high = static_cast<uint32_t>(key >> 32);
  const uint32_t top = __reduce_max_sync(kAllLanes, high);
  const uint32_t low = high == top ? static_cast<uint32_t>(key) : 0;
  return static_cast<uint64_t>(top) << 32 | __reduce_max_sync(kAllLanes, low);
#else
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const unsigned long long other =
        __shfl_xor_sync(kAllLanes, static_cast<unsigned long long>(key), step);
    if (other > key) key = other;
  }
  return key;
#endif
}

// The first candidate of all lanes, in every lane.
__device__ Candidate WarpBest(Candidate mine) {
  const uint64_t key = WarpMax(mine.key);
  const int source = __ffs(__ballot_sync(kAllLanes, mine.key == key)) - 1;
  return {key,
          {__shfl_sync(kAllLanes, mine.at.x, source),
           __shfl_sync(kAllLanes, mine.at.y, source),
           __shfl_sync(kAllLanes, mine.at.z, source)}};
}

__device__ float Outside(float lo, float hi, float v) {
  const float outside = lo - v > v - hi ? lo - v : v - hi;
  return outside > 0 ? outside : 0.0f;
}

// Squared distance to the box, rounded like that to a point; 0 inside.
__device__ float SquaredDistance(const Box& box, Point p) {
  const float dx = Outside(box.lo.x, box.hi.x, p.x);
  const float dy = Outside(box.lo.y, box.hi.y, p.y);
  const float dz = Outside(box.lo.z, box.hi.z, p.z);
  return (dx * dx + dy * dy) + dz * dz;
}

// A cloud in sorted order; order[i] - first is the index of sorted[i].
struct Cloud {
  float4* sorted;
  const int32_t* order;
  int64_t first;
};

// Lowers the distances of [begin, end) by the new sample; their best candidate.
__device__ Candidate Relax(const Cloud& cloud, int64_t begin, int64_t end,
                           Point sample) {
  Candidate best = {};
  for (int64_t i = begin + Lane(); i < end; i += kWarp) {
    const float4 point = cloud.sorted[i];
    const Point p = {point.x, point.y, point.z};
    const float d = SquaredDistance(p, sample);
    const bool nearer = d < point.w;
    if (nearer) cloud.sorted[i].w = d;
    const uint64_t key =
        Key(nearer ? d : point.w,
            static_cast<int32_t>(cloud.order[i] - cloud.first));
    if (key > best.key) best = {key, p};
  }
  return WarpBest(best);
}

// The box around the points of [begin, end) that can be taken.
__device__ Box Bound(const Cloud& cloud, int64_t begin, int64_t end) {
  Box box = EmptyBox();
  for (int64_t i = begin + Lane(); i < end; i += kWarp) {
    const float4 point = cloud.sorted[i];
    if (point.w < 0) continue;
    const Point p = {point.x, point.y, point.z};
    box = {Min(box.lo, p), Max(box.hi, p)};
  }
  return WarpUnion(box);
}

// Lane l of warp w has bucket kWarps * l + w, so that neighbouring buckets,
// which change together, belong to different warps.
__global__ void __launch_bounds__(kThreads)
    Sample(const float* points, int64_t n, int64_t m, float4* sorted,
           const int32_t* order, int64_t bucket_size, int32_t* indices) {
  __shared__ Candidate shared[2][kWarps];
  const int64_t first = blockIdx.x * n;
  const Cloud cloud = {sorted + first, order + first, first};
  indices += blockIdx.x * m;
  const auto begin_of = [=](int lane) {
    return (static_cast<int64_t>(kWarps) * lane + Warp()) * bucket_size;
  };
  Point sample = Load(points + 3 * first);
  Box box = EmptyBox();
  Candidate best = {};
  for (int lane = 0; lane < kWarp && begin_of(lane) < n; ++lane) {
    const int64_t begin = begin_of(lane), end = min(n, begin + bucket_size);
    const Box bounds = Bound(cloud, begin, end);
    const Candidate candidate = Relax(cloud, begin, end, sample);
    if (Lane() == lane) box = bounds, best = candidate;
  }
  if (threadIdx.x == 0) indices[0] = 0;
  for (int64_t s = 1; s < m; ++s) {
    const Candidate mine = WarpBest(best);
    if (Lane() == 0) shared[s % 2][Warp()] = mine;
    __syncthreads();  // the buffer of two rounds ago has been read by all
    const Candidate taken = WarpBest(shared[s % 2][Lane()]);
    if (taken.key == 0) {
      for (int64_t i = s + threadIdx.x; i < m; i += kThreads) indices[i] = 0;
      return;
    }
    if (threadIdx.x == 0) indices[s] = Index(taken.key);
    sample = taken.at;
    const bool touched =
        best.key != 0 && SquaredDistance(box, sample) < Distance(best.key);
    unsigned left = __ballot_sync(kAllLanes, touched);
    for (; left != 0; left &= left - 1) {
      const int lane = __ffs(left) - 1;
      const int64_t begin = begin_of(lane), end = min(n, begin + bucket_size);
      const Candidate candidate = Relax(cloud, begin, end, sample);
      if (Lane() == lane) best = candidate;
    }
  }
}

struct Scratch {
  Scratch(Arena* arena, int64_t batch, int64_t n)
      : grids(arena->Take<Grid>(batch)),
        sorted(arena->Take<float4>(batch * n)),
        sorter(arena, batch * n) {}

  Grid* grids;
  float4* sorted;
  Sorter sorter;
};

cudaError_t Run(const float* points, const int32_t* num_points, int64_t batch,
                int64_t n, int64_t m, int32_t* indices, void* memory,
                void* stream) {
  const int64_t total = batch * n;
  if (total > INT_MAX) return cudaErrorInvalidValue;
  if (total == 0 || m == 0) {
    return cudaMemsetAsync(indices, 0, batch * m * sizeof(int32_t),
                           static_cast<cudaStream_t>(stream));
  }
  Arena arena(memory);
  Scratch scratch(&arena, batch, n);
  GSPN_RETURN_IF_ERROR(Launch(stream, batch, kThreads, FitGrids, points,
                              num_points, n, scratch.grids));
  // 32 bits for the cloud and the code.
  const int cloud_bits = BitWidth(batch - 1);
  const int dropped_bits = std::max(0, kCodeBits + cloud_bits - 32);
  const int64_t blocks = CeilDiv(total, kSmallThreads);
  GSPN_RETURN_IF_ERROR(Launch(stream, blocks, kSmallThreads, NamePositions,
                              points, num_points, scratch.grids, batch, n,
                              dropped_bits, scratch.sorter.pairs));
  GSPN_RETURN_IF_ERROR(
      scratch.sorter.Run(kCodeBits - dropped_bits + cloud_bits, stream));
  const int32_t* order = scratch.sorter.pairs.values;
  GSPN_RETURN_IF_ERROR(Launch(stream, blocks, kSmallThreads, Gather, points,
                              num_points, order, batch, n, scratch.sorted));
  const int64_t bucket_size = RoundUp(CeilDiv(n, kThreads), kWarp);
  return Launch(stream, batch, kThreads, Sample, points, n, m, scratch.sorted,
                order, bucket_size, indices);
}

}  // namespace
}  // namespace cuda
}  // namespace gspn

size_t gspn_cuda_farthest_point_sample_scratch_bytes(int64_t batch, int64_t n) {
  gspn::cuda::Arena arena(nullptr);
  gspn::cuda::Scratch(&arena, batch, n);
  return arena.bytes();
}

int gspn_cuda_farthest_point_sample(const float* points,
                                    const int32_t* num_points, int64_t batch,
                                    int64_t n, int64_t m, int32_t* indices,
                                    void* scratch, void* stream) {
  return gspn::cuda::Run(points, num_points, batch, n, m, indices, scratch,
                         stream);
}
