// The contract of the CUDA kernels: a plain C interface without TensorFlow or
// CUDA types, so that a TensorFlow shim or ctypes can call them.
//
// Results are those of kernels/kernels.h, bit for bit: the same rounding (no
// FMA), ties, padding and treatment of numbers that are not finite. Every
// function works on a batch of clouds [batch, n, 3], of which num_points[b]
// rows are real; arrays are dense, row-major and in device memory unless the
// comment says otherwise. int32 indices, counts and num_points; float32 values.
//
// `stream` is a cudaStream_t. Functions only launch work on it: they never
// wait, allocate, or touch another stream. `scratch` is device memory, aligned
// to 256 bytes, of as many bytes as the function's _scratch_bytes says; its
// contents need not outlive the work. Returned is a cudaError, 0 when all was
// launched; cudaErrorInvalidValue (1) where a size is beyond what a comment
// states. Sizes may be 0.
//
// The caller has checked sizes, attributes and num_points. Indices in device
// memory cannot be checked without waiting for the device: one outside its
// axis is never followed, and makes the row that it belongs to NaN (forward)
// or adds nothing (gradients).
#ifndef GSPN_TF_CUDA_KERNELS_CUDA_H_
#define GSPN_TF_CUDA_KERNELS_CUDA_H_

#include <cstddef>
#include <cstdint>

#define GSPN_CUDA_API extern "C" __attribute__((visibility("default")))

// The name of an error, such as "invalid argument".
GSPN_CUDA_API const char* gspn_cuda_error_string(int error);

// Copies `count` numbers from host memory, which may change after the return.
GSPN_CUDA_API int gspn_cuda_upload(const int32_t* host, int64_t count,
                                   int32_t* device, void* stream);

// indices [batch, m]; at most 2^31 - 1 points in the whole batch.
GSPN_CUDA_API size_t
gspn_cuda_farthest_point_sample_scratch_bytes(int64_t batch, int64_t n);
GSPN_CUDA_API int gspn_cuda_farthest_point_sample(const float* points,
                                                  const int32_t* num_points,
                                                  int64_t batch, int64_t n,
                                                  int64_t m, int32_t* indices,
                                                  void* scratch, void* stream);

// queries [batch, m, 3]; indices [batch, m, k], counts [batch, m].
GSPN_CUDA_API int gspn_cuda_ball_query(const float* points,
                                       const int32_t* num_points, int64_t batch,
                                       int64_t n, const float* queries,
                                       int64_t m, float radius, int64_t k,
                                       int32_t* indices, int32_t* counts,
                                       void* stream);

// The k nearest points of queries [batch, m, 3]: squared distances and indices
// [batch, m, k], ascending; missing ones infinity and 0. The points are looked
// through once for every 32 neighbours.
GSPN_CUDA_API int gspn_cuda_knn(const float* points, const int32_t* num_points,
                                int64_t batch, int64_t n, const float* queries,
                                int64_t m, int64_t k, float* distances,
                                int32_t* indices, void* stream);

// features [batch, n, channels], indices [batch, slots];
// out [batch, slots, channels].
GSPN_CUDA_API int gspn_cuda_group_points(const float* features,
                                         const int32_t* indices, int64_t batch,
                                         int64_t n, int64_t channels,
                                         int64_t slots, float* out,
                                         void* stream);

// indices and weights [batch, m, 3]; out [batch, m, channels].
GSPN_CUDA_API int gspn_cuda_three_interpolate(const float* features,
                                              const int32_t* indices,
                                              const float* weights,
                                              int64_t batch, int64_t n,
                                              int64_t channels, int64_t m,
                                              float* out, void* stream);

// Its gradient to the weights: out [batch, m, 3] = the products of the rows
// that indices [batch, m, 3] name with gradient [batch, m, channels], summed in
// the order of kernels/kernels.h; NaN where an index is out of range.
GSPN_CUDA_API int gspn_cuda_three_interpolate_weights_grad(
    const float* features, const int32_t* indices, const float* gradient,
    int64_t batch, int64_t n, int64_t channels, int64_t m, float* out,
    void* stream);

// The gradient of both to the features: out [batch, n, channels] = for each row
// the sum over the slots that name it, ascending, of weights[slot] *
// gradient[slot / slots_per_row]. gradient [batch, slots / slots_per_row,
// channels]; indices and weights [batch, slots]; null weights are 1. At most
// 2^31 - 1 slots, and as many rows, in the whole batch.
GSPN_CUDA_API size_t gspn_cuda_scatter_rows_scratch_bytes(int64_t batch,
                                                          int64_t n,
                                                          int64_t slots);
GSPN_CUDA_API int gspn_cuda_scatter_rows(
    const float* gradient, const int32_t* indices, const float* weights,
    int64_t batch, int64_t n, int64_t channels, int64_t slots,
    int64_t slots_per_row, float* out, void* scratch, void* stream);

// For each real point of `from` [batch, m, 3] the nearest real one of `to`
// [batch, n, 3]: distances and indices [batch, m], 0 and 0 for padding and
// where `to` has no points.
GSPN_CUDA_API int gspn_cuda_nearest(const float* to, const int32_t* num_to,
                                    const float* from, const int32_t* num_from,
                                    int64_t batch, int64_t n, int64_t m,
                                    float* distances, int32_t* indices,
                                    void* stream);

// Gradient of both directions: a [batch, n, 3] with indices_a into
// b [batch, m, 3] and the other way round. At most 2^31 - 1 points a, and b.
GSPN_CUDA_API size_t gspn_cuda_nn_distance_grad_scratch_bytes(int64_t batch,
                                                              int64_t n,
                                                              int64_t m);
GSPN_CUDA_API int gspn_cuda_nn_distance_grad(
    const float* a, const float* b, const int32_t* num_a, const int32_t* num_b,
    const int32_t* indices_a, const int32_t* indices_b, const float* upstream_a,
    const float* upstream_b, int64_t batch, int64_t n, int64_t m, float* grad_a,
    float* grad_b, void* scratch, void* stream);

// boxes [batch, r, 6], scores and valid [batch, r]; indices and taken
// [batch, k].
GSPN_CUDA_API size_t gspn_cuda_nms_3d_scratch_bytes(int64_t batch, int64_t r,
                                                    int64_t k);
GSPN_CUDA_API int gspn_cuda_nms_3d(const float* boxes, const float* scores,
                                   const bool* valid, int64_t batch, int64_t r,
                                   float iou_threshold, int64_t k,
                                   int32_t* indices, bool* taken, void* scratch,
                                   void* stream);

// boxes [batch, r, 6]; seed: two numbers in HOST memory; indices
// [batch, r, m], counts [batch, r].
GSPN_CUDA_API size_t gspn_cuda_sample_in_boxes_scratch_bytes(int64_t batch,
                                                             int64_t n,
                                                             int64_t r);
GSPN_CUDA_API int gspn_cuda_sample_in_boxes(
    const float* points, const int32_t* num_points, const float* boxes,
    const int32_t* seed, int64_t batch, int64_t n, int64_t r, int64_t m,
    float margin, int32_t* indices, int32_t* counts, void* scratch,
    void* stream);

// samples [batch, d, m, 3], values [batch, d, m], boxes [batch, d, 6];
// out [batch, d, n], 0 for padding.
GSPN_CUDA_API int gspn_cuda_nearest_assign(
    const float* points, const int32_t* num_points, const float* samples,
    const float* values, const float* boxes, int64_t batch, int64_t n,
    int64_t d, int64_t m, float* out, void* stream);

#endif  // GSPN_TF_CUDA_KERNELS_CUDA_H_
