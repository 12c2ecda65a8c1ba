// CUDA kernels of FarthestPointSample, BallQuery and KNN. The ops themselves,
// and what their arguments mean, are in tf/search_ops.cc.
#include <cstdint>
#include <vector>

#include "tensorflow/core/platform/denormal.h"
#include "tf/attributes.h"
#include "tf/cuda/gpu.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_GPU;
using tensorflow::OpKernel;

class FarthestPointSample final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "farthest_point_sample");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.BindScalar(1, "num_samples", 'M'));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BM", &output));
    if (output->NumElements() == 0) return;
    const int64_t batch = axes['B'], n = axes['N'];
    Gpu gpu(context, "farthest_point_sample");
    const int32_t* num_points = nullptr;
    OP_REQUIRES_OK(context, gpu.Upload(2, &num_points));
    void* scratch = nullptr;
    OP_REQUIRES_OK(
        context,
        gpu.Allocate(gspn_cuda_farthest_point_sample_scratch_bytes(batch, n),
                     &scratch));
    OP_REQUIRES_OK(context,
                   gpu.Launched(gspn_cuda_farthest_point_sample(
                       Values(context, 0), num_points, batch, n, axes['M'],
                       output->flat<int32_t>().data(), scratch, gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>FarthestPointSample")
                            .Device(DEVICE_GPU)
                            .HostMemory("num_samples")
                            .HostMemory("num_points"),
                        FarthestPointSample);

class BallQuery final : public OpKernel {
 public:
  explicit BallQuery(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetBalls(context, &radii_, &neighbors_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "ball_query");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "queries", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    // The radius is squared on the host, which must not flush small numbers.
    const tensorflow::port::ScopedDontFlushDenormal denormals;
    Gpu gpu(context, "ball_query");
    const int32_t* num_points = nullptr;
    OP_REQUIRES_OK(context, gpu.Upload(2, &num_points));
    const int num_radii = static_cast<int>(radii_.size());
    for (int i = 0; i < num_radii; ++i) {
      axes.Set('K', neighbors_[i]);
      Tensor *indices = nullptr, *counts = nullptr;
      OP_REQUIRES_OK(context, axes.Allocate(i, "BMK", &indices));
      OP_REQUIRES_OK(context, axes.Allocate(num_radii + i, "BM", &counts));
      OP_REQUIRES_OK(
          context, gpu.Launched(gspn_cuda_ball_query(
                       Values(context, 0), num_points, axes['B'], axes['N'],
                       Values(context, 1), axes['M'], radii_[i], neighbors_[i],
                       indices->flat<int32_t>().data(),
                       counts->flat<int32_t>().data(), gpu.stream())));
    }
  }

 private:
  std::vector<float> radii_;
  std::vector<int32_t> neighbors_;
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>BallQuery").Device(DEVICE_GPU).HostMemory("num_points"),
    BallQuery);

class KNN final : public OpKernel {
 public:
  explicit KNN(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("k", &k_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "knn");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "queries", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    axes.Set('K', k_);
    Tensor *distances = nullptr, *indices = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMK", &distances));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BMK", &indices));
    Gpu gpu(context, "knn");
    const int32_t* num_points = nullptr;
    OP_REQUIRES_OK(context, gpu.Upload(2, &num_points));
    OP_REQUIRES_OK(
        context,
        gpu.Launched(gspn_cuda_knn(
            Values(context, 0), num_points, axes['B'], axes['N'],
            Values(context, 1), axes['M'], k_, distances->flat<float>().data(),
            indices->flat<int32_t>().data(), gpu.stream())));
  }

 private:
  int64_t k_ = 0;
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>KNN").Device(DEVICE_GPU).HostMemory("num_points"), KNN);

}  // namespace
}  // namespace gspn
