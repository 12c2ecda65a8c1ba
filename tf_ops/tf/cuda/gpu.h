// The work of one op on a GPU: its stream and its scratch memory.
#ifndef GSPN_TF_TF_CUDA_GPU_H_
#define GSPN_TF_TF_CUDA_GPU_H_

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cuda/kernels_cuda.h"
#include "tf/call.h"
#include "xla/stream_executor/stream.h"

namespace gspn {

// Memory that it gives lives as long as this object; once it is freed only
// later work on the same stream can get it. The first error stays.
class Gpu {
 public:
  explicit Gpu(const Call& call) : call_(call) {}

  // Memory of so many bytes; null after an error.
  void* Scratch(size_t bytes) {
    tensorflow::Tensor& tensor = tensors_.emplace_back();
    const tensorflow::TensorShape shape({static_cast<int64_t>(bytes)});
    status_.Update(
        call_.context()->allocate_temp(tensorflow::DT_UINT8, shape, &tensor));
    return status_.ok() ? tensor.flat<uint8_t>().data() : nullptr;
  }

  // The int32 numbers of an input in host memory, on the device.
  const int32_t* Upload(int input) {
    const int64_t count = call_.context()->input(input).NumElements();
    int32_t* numbers = static_cast<int32_t*>(Scratch(count * sizeof(int32_t)));
    status_.Update(
        Launch(gspn_cuda_upload, call_.input<int32_t>(input), count, numbers));
    return numbers;
  }

  // Calls a function of kernels_cuda.h, whose last argument is the stream,
  // unless something went wrong before.
  template <typename Function, typename... Arguments>
  absl::Status Launch(Function function, Arguments... arguments) const {
    if (!status_.ok()) return status_;
    auto* device = call_.context()->op_device_context();
    const int error = function(
        arguments..., device->stream()->platform_specific_handle().stream);
    if (error == 0) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(call_.op().title, ": CUDA error ",
                                            error, ", ",
                                            gspn_cuda_error_string(error)));
  }

 private:
  const Call& call_;
  absl::Status status_;
  std::vector<tensorflow::Tensor> tensors_;
};

}  // namespace gspn

#endif  // GSPN_TF_TF_CUDA_GPU_H_
