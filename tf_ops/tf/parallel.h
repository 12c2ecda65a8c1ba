// How the shims divide work among the threads of TensorFlow's pool.
#ifndef GSPN_TF_TF_PARALLEL_H_
#define GSPN_TF_TF_PARALLEL_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/platform/denormal.h"
#include "tensorflow/core/util/work_sharder.h"

namespace gspn {

// work(begin, end) over [0, total); cost: about the nanoseconds of one unit.
// Some threads of TensorFlow flush denormal numbers to zero and some do not: no
// result may depend on which one computes it.
template <typename Work>
void Parallel(tensorflow::OpKernelContext* context, int64_t total, int64_t cost,
              Work work) {
  const auto* pool = context->device()->tensorflow_cpu_worker_threads();
  const auto exactly = [&work](int64_t begin, int64_t end) {
    const tensorflow::port::ScopedDontFlushDenormal denormals;
    work(begin, end);
  };
  tensorflow::Shard(pool->num_threads, pool->workers, total, 1 + cost, exactly);
}

// work(cloud, begin, end) over `rows` rows of each of `clouds` clouds: threads
// share the rows of a single cloud too.
template <typename Work>
void ParallelRows(tensorflow::OpKernelContext* context, int64_t clouds,
                  int64_t rows, int64_t cost, Work work) {
  Parallel(context, clouds * rows, cost, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t cloud = begin / rows;
      const int64_t stop = std::min(end, (cloud + 1) * rows);
      work(cloud, begin - cloud * rows, stop - cloud * rows);
      begin = stop;
    }
  });
}

struct FreeCloud {
  void operator()(GspnCloud* cloud) const { gspn_cloud_free(cloud); }
};
using CloudPtr = std::unique_ptr<GspnCloud, FreeCloud>;

// Prepares the clouds points [B, N, 3], each with its own number of points.
inline std::vector<CloudPtr> PrepareClouds(tensorflow::OpKernelContext* context,
                                           const tensorflow::Tensor& points,
                                           const int32_t* num_points,
                                           int64_t num_queries) {
  const int64_t stride = 3 * points.dim_size(1);
  const float* at = points.flat<float>().data();
  std::vector<CloudPtr> clouds(points.dim_size(0));
  const int64_t cost = points.dim_size(1) * (num_queries > 0 ? 15 : 2);
  Parallel(context, clouds.size(), cost, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      clouds[b].reset(
          gspn_cloud_create(at + b * stride, num_points[b], num_queries));
    }
  });
  return clouds;
}

// The rows of each queries [B, M, 3] in the order of gspn_curve_order, so that
// threads which share them get neighbours: [B, M].
inline std::vector<int32_t> OrderQueries(tensorflow::OpKernelContext* context,
                                         const tensorflow::Tensor& queries) {
  const int64_t batch = queries.dim_size(0), m = queries.dim_size(1);
  const float* at = queries.flat<float>().data();
  std::vector<int32_t> order(batch * m);
  Parallel(context, batch, m * 10, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      gspn_curve_order(at + b * m * 3, m, order.data() + b * m);
    }
  });
  return order;
}

}  // namespace gspn

#endif  // GSPN_TF_TF_PARALLEL_H_
