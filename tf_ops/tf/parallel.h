// How the shims divide work among the threads of TensorFlow's pool.
#ifndef GSPN_TF_TF_PARALLEL_H_
#define GSPN_TF_TF_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/kernels.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/platform/denormal.h"
#include "tensorflow/core/platform/threadpool.h"

namespace gspn {

// A loop that is handed out in blocks, to the calling thread and to those of
// the pool that come to help before it is over. Nobody waits for a thread that
// has not begun, so work may be shared out again within it.
class SharedLoop {
 public:
  SharedLoop(int64_t total, int64_t block) : total_(total), block_(block) {}

  template <typename Work>
  void Lead(const Work& work) {
    Run(work);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
    }
    // A helper is in its last block, which is over sooner than a thread that
    // has gone to sleep is awake again.
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (helpers_ != 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    left_.wait(lock, [this] { return helpers_ == 0; });
  }

  template <typename Work>
  void Help(const Work& work) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (over_) return;
      ++helpers_;
    }
    Run(work);
    const std::lock_guard<std::mutex> lock(mutex_);
    --helpers_;
    left_.notify_one();
  }

 private:
  static constexpr std::chrono::microseconds kPatience{100};

  template <typename Work>
  void Run(const Work& work) {
    // Some threads of TensorFlow flush denormal numbers to zero and some do
    // not: no result may depend on which one computes it.
    const tensorflow::port::ScopedDontFlushDenormal denormals;
    int64_t begin;
    while ((begin = next_.fetch_add(block_)) < total_) {
      work(begin, std::min(total_, begin + block_));
    }
  }

  const int64_t total_, block_;
  std::atomic<int64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable left_;
  std::atomic<int> helpers_{0};
  bool over_ = false;
};

// Nanoseconds of a block: some times as long as it takes to call a thread.
constexpr int64_t kBlockTime = 20'000;

// work(begin, end) over [0, total); cost: about the nanoseconds of one unit.
template <typename Work>
void Parallel(tensorflow::OpKernelContext* context, int64_t total, int64_t cost,
              const Work& work) {
  const auto* pool = context->device()->tensorflow_cpu_worker_threads();
  const int64_t block = std::max<int64_t>(1, kBlockTime / (1 + cost));
  const auto loop = std::make_shared<SharedLoop>(total, block);
  const int64_t helpers =
      std::min<int64_t>(pool->num_threads, (total + block - 1) / block) - 1;
  for (int64_t i = 0; i < helpers; ++i) {
    // `work` is there as long as the loop is not over.
    pool->workers->Schedule([loop, &work] { loop->Help(work); });
  }
  loop->Lead(work);
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

inline void RunShared(void* context, int64_t total, int64_t cost, GspnWork work,
                      const void* argument) {
  Parallel(static_cast<tensorflow::OpKernelContext*>(context), total, cost,
           [=](int64_t begin, int64_t end) { work(argument, begin, end); });
}

// work(cloud, threads) for each of `clouds` clouds, which may share itself out.
template <typename Work>
void EachCloud(tensorflow::OpKernelContext* context, int64_t clouds,
               int64_t cost, const Work& work) {
  const GspnThreads threads{context, RunShared};
  Parallel(context, clouds, cost, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) work(b, &threads);
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
                                           int64_t num_queries,
                                           bool for_balls = false) {
  const int64_t stride = 3 * points.dim_size(1);
  const float* at = points.flat<float>().data();
  std::vector<CloudPtr> clouds(points.dim_size(0));
  const int64_t cost = points.dim_size(1) * (num_queries > 0 ? 15 : 2);
  EachCloud(
      context, clouds.size(), cost, [&](int64_t b, const GspnThreads* threads) {
        clouds[b].reset(gspn_cloud_create(at + b * stride, num_points[b],
                                          num_queries, for_balls, threads));
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
  EachCloud(context, batch, m * 10, [&](int64_t b, const GspnThreads* threads) {
    gspn_curve_order(at + b * m * 3, m, threads, order.data() + b * m);
  });
  return order;
}

}  // namespace gspn

#endif  // GSPN_TF_TF_PARALLEL_H_
