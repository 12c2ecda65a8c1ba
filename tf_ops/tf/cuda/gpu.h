// What the shims of the CUDA kernels share: stream, scratch memory, numbers
// that come in host memory.
//
// Inputs that decide shapes or bound indices (num_points, num_samples, ...) are
// kept in host memory, where they are checked as on a CPU.
#ifndef GSPN_TF_TF_CUDA_GPU_H_
#define GSPN_TF_TF_CUDA_GPU_H_

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cuda/kernels_cuda.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tf/checks.h"
#include "xla/stream_executor/stream.h"

namespace gspn {

// The work of one op: its stream, and memory that lives as long as this object.
// Once it is freed only later work on the same stream can get it.
class Gpu {
 public:
  Gpu(OpKernelContext* context, absl::string_view op)
      : context_(context), op_(op) {}

  void* stream() const {
    auto* device = context_->op_device_context();
    return device->stream()->platform_specific_handle().stream;
  }

  // Memory of so many bytes for the kernels of this op.
  absl::Status Allocate(size_t bytes, void** memory) {
    Tensor& tensor = tensors_.emplace_back();
    const TensorShape shape({static_cast<int64_t>(bytes)});
    TF_RETURN_IF_ERROR(
        context_->allocate_temp(tensorflow::DT_UINT8, shape, &tensor));
    *memory = tensor.flat<uint8_t>().data();
    return absl::OkStatus();
  }

  // The int32 numbers of an input in host memory, on the device.
  absl::Status Upload(int input, const int32_t** numbers) {
    const int64_t count = context_->input(input).NumElements();
    void* memory = nullptr;
    TF_RETURN_IF_ERROR(Allocate(count * sizeof(int32_t), &memory));
    *numbers = static_cast<int32_t*>(memory);
    return Launched(gspn_cuda_upload(Counts(context_, input), count,
                                     static_cast<int32_t*>(memory), stream()));
  }

  // What a function of kernels_cuda.h returned.
  absl::Status Launched(int error) const {
    if (error == 0) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(op_, ": CUDA error ", error, ", ",
                                            gspn_cuda_error_string(error)));
  }

 private:
  OpKernelContext* context_;
  absl::string_view op_;
  std::vector<Tensor> tensors_;
};

}  // namespace gspn

#endif  // GSPN_TF_TF_CUDA_GPU_H_
