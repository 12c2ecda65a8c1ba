// One call of an op, checked against its declaration: what kernels of every
// device are given.
#ifndef GSPN_TF_TF_CALL_H_
#define GSPN_TF_TF_CALL_H_

#include <array>
#include <cstdint>
#include <initializer_list>

#include "tensorflow/core/framework/op_kernel.h"
#include "tf/ops.h"

namespace gspn {

// Inputs, sizes of axes, and outputs of the right shapes.
class Call {
 public:
  Call(tensorflow::OpKernelContext* context, const OpDeclaration& op,
       const Attributes& attributes);

  // Checks shapes and values of the inputs, then allocates the outputs.
  absl::Status Prepare(bool on_host);

  tensorflow::OpKernelContext* context() const { return context_; }
  const OpDeclaration& op() const { return op_; }
  const Attributes& attributes() const { return attributes_; }

  // The size of an axis. Where a list of an attribute says it: the last one.
  int64_t operator[](char axis) const { return sizes_[axis]; }

  template <typename T>
  const T* input(int position) const {
    return context_->input(position).flat<T>().data();
  }

  template <typename T>
  T* output(int position) const {
    return context_->mutable_output(position)->flat<T>().data();
  }

  // Whether no output has an element.
  bool empty() const;

 private:
  absl::Status Bind(const Input& input, int position);
  absl::Status BindSize(const Input& input, int position);
  absl::Status CheckCounts(const Input& input, int position) const;
  absl::Status CheckIndices(const Input& input, int position) const;
  absl::Status CheckValues(const Input& input, int position,
                           bool on_host) const;
  absl::Status CheckSize(absl::string_view name,
                         const tensorflow::TensorShape& shape) const;
  absl::Status Allocate(const Output& output, int position);
  absl::Status AllocateOutputs();

  tensorflow::OpKernelContext* context_;
  const OpDeclaration& op_;
  const Attributes& attributes_;
  std::array<int64_t, 128> sizes_;  // -1: not known yet
};

// The work of an op on one device, called where there is an output to fill.
using Work = absl::Status (*)(const Call& call);

struct Kernel {
  const OpDeclaration& op;
  Work work;
};

// Called while the library is loaded; returns true.
bool RegisterKernels(const char* device, std::initializer_list<Kernel> kernels);

}  // namespace gspn

#endif  // GSPN_TF_TF_CALL_H_
