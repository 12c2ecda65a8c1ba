// CUDA kernels of NMS3D, PointsInBoxes, SampleInBoxes and NearestAssign. The
// ops themselves are in tf/box_ops.cc.
#include <cstdint>

#include "tf/attributes.h"
#include "tf/cuda/gpu.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_GPU;
using tensorflow::OpKernel;

class NMS3D final : public OpKernel {
 public:
  explicit NMS3D(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetThreshold(context, &threshold_));
    OP_REQUIRES_OK(context, context->GetAttr("max_outputs", &outputs_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nms_3d");
    OP_REQUIRES_OK(context, axes.Bind(0, "boxes", "BR6"));
    OP_REQUIRES_OK(context, axes.Bind(1, "scores", "BR"));
    OP_REQUIRES_OK(context, axes.Bind(2, "valid", "BR"));
    axes.Set('K', outputs_);
    Tensor *indices = nullptr, *taken = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BK", &indices));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BK", &taken));
    if (indices->NumElements() == 0) return;
    const int64_t batch = axes['B'], r = axes['R'];
    Gpu gpu(context, "nms_3d");
    void* scratch = nullptr;
    OP_REQUIRES_OK(context, gpu.Allocate(gspn_cuda_nms_3d_scratch_bytes(
                                             batch, r, outputs_),
                                         &scratch));
    OP_REQUIRES_OK(context,
                   gpu.Launched(gspn_cuda_nms_3d(
                       Values(context, 0), Values(context, 1),
                       context->input(2).flat<bool>().data(), batch, r,
                       threshold_, outputs_, indices->flat<int32_t>().data(),
                       taken->flat<bool>().data(), scratch, gpu.stream())));
  }

 private:
  float threshold_ = 0;
  int64_t outputs_ = 0;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NMS3D").Device(DEVICE_GPU), NMS3D);

class PointsInBoxes final : public OpKernel {
 public:
  explicit PointsInBoxes(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetMargin(context, "points_in_boxes", &margin_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "points_in_boxes");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "boxes", "BR6"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    Tensor* inside = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BRN", &inside));
    Gpu gpu(context, "points_in_boxes");
    const int32_t* num_points = nullptr;
    OP_REQUIRES_OK(context, gpu.Upload(2, &num_points));
    OP_REQUIRES_OK(context,
                   gpu.Launched(gspn_cuda_points_in_boxes(
                       Values(context, 0), num_points, Values(context, 1),
                       axes['B'], axes['N'], axes['R'], margin_,
                       inside->flat<bool>().data(), gpu.stream())));
  }

 private:
  float margin_ = 0;
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>PointsInBoxes").Device(DEVICE_GPU).HostMemory("num_points"),
    PointsInBoxes);

class SampleInBoxes final : public OpKernel {
 public:
  explicit SampleInBoxes(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("num_samples", &samples_));
    OP_REQUIRES_OK(context, GetMargin(context, "sample_in_boxes", &margin_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "sample_in_boxes");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "boxes", "BR6"));
    OP_REQUIRES_OK(context, axes.Bind(2, "seed", "2"));
    OP_REQUIRES_OK(context, axes.Bind(3, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckCounts(3, "num_points", 'N'));
    axes.Set('M', samples_);
    Tensor *indices = nullptr, *counts = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BRM", &indices));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BR", &counts));
    const int64_t batch = axes['B'], n = axes['N'], r = axes['R'];
    Gpu gpu(context, "sample_in_boxes");
    const int32_t* num_points = nullptr;
    OP_REQUIRES_OK(context, gpu.Upload(3, &num_points));
    void* scratch = nullptr;
    OP_REQUIRES_OK(
        context,
        gpu.Allocate(gspn_cuda_sample_in_boxes_scratch_bytes(batch, n, r),
                     &scratch));
    OP_REQUIRES_OK(context,
                   gpu.Launched(gspn_cuda_sample_in_boxes(
                       Values(context, 0), num_points, Values(context, 1),
                       Counts(context, 2), batch, n, r, samples_, margin_,
                       indices->flat<int32_t>().data(),
                       counts->flat<int32_t>().data(), scratch, gpu.stream())));
  }

 private:
  int64_t samples_ = 0;
  float margin_ = 0;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>SampleInBoxes")
                            .Device(DEVICE_GPU)
                            .HostMemory("seed")
                            .HostMemory("num_points"),
                        SampleInBoxes);

class NearestAssign final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nearest_assign");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "samples", "BDM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "values", "BDM"));
    OP_REQUIRES_OK(context, axes.Bind(3, "boxes", "BD6"));
    OP_REQUIRES_OK(context, axes.Bind(4, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckCounts(4, "num_points", 'N'));
    Tensor* assigned = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BDN", &assigned));
    Gpu gpu(context, "nearest_assign");
    const int32_t* num_points = nullptr;
    OP_REQUIRES_OK(context, gpu.Upload(4, &num_points));
    OP_REQUIRES_OK(context,
                   gpu.Launched(gspn_cuda_nearest_assign(
                       Values(context, 0), num_points, Values(context, 1),
                       Values(context, 2), Values(context, 3), axes['B'],
                       axes['N'], axes['D'], axes['M'],
                       assigned->flat<float>().data(), gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>NearestAssign").Device(DEVICE_GPU).HostMemory("num_points"),
    NearestAssign);

}  // namespace
}  // namespace gspn
