// The contract of the kernels: a plain C interface without TensorFlow or CUDA
// types, so that a TensorFlow shim, a C++ test or ctypes can call them.
//
// Every function works on ONE cloud (one element of the batch), or on a range
// of its queries, rows or boxes, and is re-entrant: the caller divides the work
// among threads, and no result depends on how it does. Arrays are dense and
// row-major. Coordinates and sizes are float32 metres, indices int32, counts
// int64. `n` counts the real points of a cloud, without padding.
//
// Squared distances are float32 (dx * dx + dy * dy) + dz * dz, each operation
// rounded (no FMA). Ties go to the lower index. A point with a NaN or infinite
// coordinate, or whose squared distance overflows, matches nothing.
//
// The caller has checked all sizes and index ranges.
#ifndef GSPN_TF_KERNELS_KERNELS_H_
#define GSPN_TF_KERNELS_KERNELS_H_

#include <cstdint>

extern "C" {

// The caller's threads, for work on one cloud that is shared out inside of a
// kernel: run() calls work(argument, begin, end) for disjoint ranges that make
// up [0, total), at once or not, and returns when all is done; cost is about
// the nanoseconds of one unit. Null wherever it is taken: the calling thread
// alone.
typedef void (*GspnWork)(const void* argument, int64_t begin, int64_t end);
typedef struct GspnThreads {
  void* context;
  void (*run)(void* context, int64_t total, int64_t cost, GspnWork work,
              const void* argument);
} GspnThreads;

// A cloud prepared for about num_queries searches in all: a spatial tree is
// built when it pays. The points are copied, twice for ball queries.
typedef struct GspnCloud GspnCloud;
GspnCloud* gspn_cloud_create(const float* points, int64_t n,
                             int64_t num_queries, bool for_balls,
                             const GspnThreads* threads);
void gspn_cloud_free(GspnCloud* cloud);

// indices[m]: 0 first, then again and again the point farthest from all taken
// ones. Once every point is taken (or n == 0) index 0 is repeated. Points with
// non-finite coordinates are never taken (except as the first).
void gspn_farthest_point_sample(const float* points, int64_t n, int64_t m,
                                const GspnThreads* threads, int32_t* indices);

// order[m]: the queries [m, 3] along a space-filling curve, those that are not
// finite at the end. Neighbours are searched together.
void gspn_curve_order(const float* queries, int64_t m,
                      const GspnThreads* threads, int32_t* order);

// For those queries that rows[count] name, best a part of gspn_curve_order, the
// first k indices with distance < radius, ascending: indices [m, k]. Unused
// slots repeat the first hit; without a hit they are 0. counts[m] <= k.
void gspn_ball_query(const GspnCloud* cloud, const float* queries,
                     const int32_t* rows, int64_t count, float radius,
                     int64_t k, int32_t* indices, int32_t* counts);

// The k nearest points of those queries that rows[count] name: squared
// distances and indices [m, k], nearest first. Missing ones: distance infinity,
// index 0.
void gspn_knn(const GspnCloud* cloud, const float* queries, const int32_t* rows,
              int64_t count, int64_t k, float* distances, int32_t* indices);

// The nearest of n points of each of m queries, compared with all: the faster
// way for a few hundreds of them. When n == 0 the distances are 0.
void gspn_nearest(const float* points, int64_t n, const float* queries,
                  int64_t m, float* distances, int32_t* indices);

// Position of the first of `count` indices outside [0, n), or -1.
int64_t gspn_find_bad_index(const int32_t* indices, int64_t count, int64_t n);

// out[count, channels] = features[indices]
void gspn_group_points(const float* features, int64_t channels,
                       const int32_t* indices, int64_t count, float* out);

// out[m, channels] = sum over 3 of weights[m, 3] * features[indices[m, 3]]
void gspn_three_interpolate(const float* features, int64_t channels,
                            const int32_t* indices, const float* weights,
                            int64_t m, float* out);

// Its gradient to the weights: out[m, 3] = the products of the rows
// features[indices[m, 3]] with gradient[m, channels]. Each is the sum of 32
// partial sums, of the channels c with the same c % 32, which are added by
// halves (0 with 16, 1 with 17, ...).
void gspn_three_interpolate_weights_grad(const float* features,
                                         int64_t channels,
                                         const int32_t* indices,
                                         const float* gradient, int64_t m,
                                         float* out);

// Counting sort of `count` indices into [0, n): the slots that hold index i,
// ascending, are slots[starts[i] .. starts[i + 1]).
void gspn_invert_indices(const int32_t* indices, int64_t count, int64_t n,
                         int64_t* starts, int64_t* slots);

// For the rows i of [begin, end): out[i, channels] = sum over the slots s of i,
// in ascending order, of weights[s] * gradient[s / slots_per_row]. Without
// weights (null) they are 1.
void gspn_scatter_rows(const float* gradient, int64_t channels,
                       const int64_t* starts, const int64_t* slots,
                       const float* weights, int64_t slots_per_row,
                       int64_t begin, int64_t end, float* out);

// A cloud whose points have distances to the points of another one that indices
// name; upstream is the gradient of these squared distances.
typedef struct GspnNearest {
  const float* points;
  const int32_t* indices;
  const float* upstream;
} GspnNearest;

// gradient[i] for the points i of [begin, end): 2 upstream (p - nearest) of the
// point itself, first or last, and minus that of the points of the other cloud
// that name it; starts and slots invert other->indices.
void gspn_nearest_grad(const GspnNearest* own, const GspnNearest* other,
                       const int64_t* starts, const int64_t* slots,
                       bool own_first, int64_t begin, int64_t end,
                       float* gradient);

// Greedy suppression of r boxes [r, 6] (centre, size; a negative size is 0):
// takes the best score (ties: lower index), drops those whose
// inter / (union + 1e-8) with it exceeds the threshold, and so on. A box that
// is not valid, or has a NaN or infinite number, is never taken. indices[k],
// taken[k]; after the last taken one 0 and false.
void gspn_nms_3d(const float* boxes, const float* scores, const bool* valid,
                 int64_t r, float iou_threshold, int64_t k, int32_t* indices,
                 bool* taken);

// Draws m indices (with replacement, uniform) of the points inside each of the
// boxes [begin, end) grown by margin on every side; closed test; counts = the
// number of points inside; no point inside -> indices 0. The draw s of box r
// depends on (seed[2], stream, r, s) and on the points inside only.
void gspn_sample_in_boxes(const GspnCloud* cloud, const float* boxes,
                          int64_t begin, int64_t end, const int32_t* seed,
                          int64_t stream, int64_t m, float margin,
                          int32_t* indices, int32_t* counts);

// out[d, stride]: for each of the n <= stride points inside each of d boxes
// [d, 6] (closed) the value of the nearest of the m samples [d, m, 3] of the
// box, 0 for the others and where none matches. `points` are the cloud's.
void gspn_nearest_assign(const GspnCloud* cloud, const float* points,
                         const float* boxes, const float* samples,
                         const float* values, int64_t d, int64_t m,
                         int64_t stride, float* out);
}

#endif  // GSPN_TF_KERNELS_KERNELS_H_
