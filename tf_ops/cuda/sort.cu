// Radix sort, lowest digit first. In each pass every warp owns a tile of the
// input: it counts its digits, the counts are summed over digits and tiles, and
// the warp then writes its pairs in order. Lanes with the same digit find their
// ranks by matching, so no atomic decides an order.
#include <climits>
#include <cstdint>
#include <utility>

#include "cuda/sort.cuh"

namespace gspn {
namespace cuda {
namespace {

constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;
constexpr int kWarps = 8;  // of a block
constexpr int kThreads = kWarps * kWarp;
constexpr int64_t kMinTile = 256;
constexpr int64_t kMaxTiles = 4096;

int64_t TileSize(int64_t total) {
  return std::max(kMinTile, RoundUp(CeilDiv(total, kMaxTiles), kWarp));
}

__device__ int Digit(uint32_t key, int shift) {
  return key >> shift & (kDigits - 1);
}

// tile_counts [kDigits, tiles]
__global__ void __launch_bounds__(kThreads)
    CountDigits(const uint32_t* keys, int64_t total, int64_t tile_size,
                int64_t tiles, int shift, int32_t* tile_counts) {
  __shared__ int32_t shared[kWarps][kDigits];
  int32_t* counts = shared[Warp()];
  const int64_t tile = GlobalWarp();
  if (tile >= tiles) return;
  for (int d = Lane(); d < kDigits; d += kWarp) counts[d] = 0;
  __syncwarp();
  const int64_t end = min(total, (tile + 1) * tile_size);
  for (int64_t i = tile * tile_size + Lane(); i < end; i += kWarp) {
    atomicAdd(&counts[Digit(keys[i], shift)], 1);
  }
  __syncwarp();
  for (int d = Lane(); d < kDigits; d += kWarp) {
    tile_counts[d * tiles + tile] = counts[d];
  }
}

// One warp per digit: sums over the tiles before, and over all of them.
__global__ void ScanTiles(int64_t tiles, int32_t* tile_counts,
                          int32_t* totals) {
  const int64_t digit = blockIdx.x;
  const int32_t total = WarpExclusiveScan(tile_counts + digit * tiles, tiles);
  if (Lane() == 0) totals[digit] = total;
}

__global__ void __launch_bounds__(kThreads)
    WritePairs(Pairs from, int64_t total, int64_t tile_size, int64_t tiles,
               int shift, const int32_t* tile_counts, const int32_t* totals,
               Pairs to) {
  __shared__ int32_t bases[kDigits];
  __shared__ int32_t shared[kWarps][kDigits + 1];
  for (int d = threadIdx.x; d < kDigits; d += kThreads) bases[d] = totals[d];
  __syncthreads();
  if (Warp() == 0) WarpExclusiveScan(bases, kDigits);
  __syncthreads();
  const int64_t tile = GlobalWarp();
  if (tile >= tiles) return;
  int32_t* next = shared[Warp()];
  for (int d = Lane(); d < kDigits; d += kWarp) {
    next[d] = bases[d] + tile_counts[d * tiles + tile];
  }
  __syncwarp();
  const int64_t end = min(total, (tile + 1) * tile_size);
  for (int64_t base = tile * tile_size; base < end; base += kWarp) {
    const int64_t i = base + Lane();
    const uint32_t key = i < end ? from.keys[i] : 0;
    const int digit = i < end ? Digit(key, shift) : kDigits;
    const unsigned same = __match_any_sync(kAllLanes, digit);
    const int rank = RankInMask(same);
    if (i < end) {
      to.keys[next[digit] + rank] = key;
      to.values[next[digit] + rank] = from.values[i];
    }
    __syncwarp();  // all lanes have read next
    if (i < end && rank == 0) next[digit] += __popc(same);
    __syncwarp();
  }
}

// Key: the row that a slot names; value: the slot. Slots that name none come
// last.
__global__ void NameRows(const int32_t* indices, const int32_t* real,
                         int64_t batch, int64_t n, int64_t slots, Pairs out) {
  const int64_t total = batch * slots;
  for (int64_t s = GlobalThread(); s < total; s += NumThreads()) {
    const int64_t b = s / slots;
    const int32_t index = indices[s];
    const bool counts = real == nullptr || s - b * slots < real[b];
    const bool named = counts && index >= 0 && index < n;
    out.keys[s] = static_cast<uint32_t>(named ? b * n + index : batch * n);
    out.values[s] = static_cast<int32_t>(s);
  }
}

// starts[r] = position of the first key that is not below r, for r <= rows.
__global__ void FindStarts(const uint32_t* keys, int64_t total, int64_t rows,
                           int32_t* starts) {
  for (int64_t r = GlobalThread(); r <= rows; r += NumThreads()) {
    int64_t low = 0, high = total;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (keys[middle] < r) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    starts[r] = static_cast<int32_t>(low);
  }
}

}  // namespace

int BitWidth(int64_t value) {
  int bits = 0;
  for (; value > 0; value >>= 1) ++bits;
  return bits;
}

Sorter::Sorter(Arena* arena, int64_t total) : total_(total) {
  for (Pairs* p : {&pairs, &spare_}) {
    p->keys = arena->Take<uint32_t>(total);
    p->values = arena->Take<int32_t>(total);
  }
  tile_counts_ =
      arena->Take<int32_t>(kDigits * CeilDiv(total, TileSize(total)));
  totals_ = arena->Take<int32_t>(kDigits);
}

cudaError_t Sorter::Run(int bits, void* stream) {
  const int64_t tile_size = TileSize(total_);
  const int64_t tiles = CeilDiv(total_, tile_size);
  const int64_t blocks = CeilDiv(tiles, kWarps);
  for (int shift = 0; shift < bits && tiles > 0; shift += kDigitBits) {
    GSPN_RETURN_IF_ERROR(Launch(stream, blocks, kThreads, CountDigits,
                                pairs.keys, total_, tile_size, tiles, shift,
                                tile_counts_));
    GSPN_RETURN_IF_ERROR(Launch(stream, kDigits, kWarp, ScanTiles, tiles,
                                tile_counts_, totals_));
    GSPN_RETURN_IF_ERROR(Launch(stream, blocks, kThreads, WritePairs, pairs,
                                total_, tile_size, tiles, shift, tile_counts_,
                                totals_, spare_));
    std::swap(pairs, spare_);
  }
  return cudaSuccess;
}

InvertedIndices::InvertedIndices(Arena* arena, int64_t batch, int64_t n,
                                 int64_t slots)
    : starts(arena->Take<int32_t>(batch * n + 1)),
      batch_(batch),
      n_(n),
      slots_(slots),
      sorter_(arena, batch * slots) {}

cudaError_t InvertedIndices::Run(const int32_t* indices, const int32_t* real,
                                 void* stream) {
  const int64_t total = batch_ * slots_, rows = batch_ * n_;
  if (total > INT_MAX || rows > INT_MAX) return cudaErrorInvalidValue;
  GSPN_RETURN_IF_ERROR(Launch(stream, CeilDiv(total, kThreads), kThreads,
                              NameRows, indices, real, batch_, n_, slots_,
                              sorter_.pairs));
  GSPN_RETURN_IF_ERROR(sorter_.Run(BitWidth(rows), stream));
  return Launch(stream, CeilDiv(rows + 1, kThreads), kThreads, FindStarts,
                sorter_.pairs.keys, total, rows, starts);
}

}  // namespace cuda
}  // namespace gspn
