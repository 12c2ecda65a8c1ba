#include "tf/call.h"

#include <limits>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "kernels/kernels.h"
#include "tensorflow/core/framework/kernel_def.pb.h"
#include "tensorflow/core/framework/kernel_def_builder.h"
#include "tensorflow/core/platform/denormal.h"

namespace gspn {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::TensorShape;

constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();

bool InHostMemory(const Input& input) {
  return input.role == Role::kCounts || input.role == Role::kSize ||
         input.role == Role::kNumbers;
}

// Appends the value of an attribute, or the values of a list.
template <typename T>
absl::Status AppendValues(OpKernelConstruction* context,
                          const Attribute& attribute, std::vector<T>* values) {
  if (absl::StartsWith(attribute.type, "list")) {
    return context->GetAttr(attribute.name, values);
  }
  return context->GetAttr(attribute.name, &values->emplace_back());
}

absl::Status ReadAttributes(OpKernelConstruction* context,
                            const OpDeclaration& op, Attributes* values) {
  // A number may be denormal, and the thread may take such numbers for zero.
  const tensorflow::port::ScopedDontFlushDenormal denormals;
  for (const Attribute& attribute : op.attributes) {
    if (absl::StrContains(attribute.type, "float")) {
      TF_RETURN_IF_ERROR(AppendValues(context, attribute, &values->numbers));
    } else if (attribute.axis != 0) {
      TF_RETURN_IF_ERROR(AppendValues(context, attribute, &values->sizes));
    }
  }
  if (op.check == nullptr) return absl::OkStatus();
  return op.check(*values, context->num_outputs() / op.outputs.size());
}

// The kernel of any op: checks the call and has the work done.
class DeclaredKernel final : public OpKernel {
 public:
  DeclaredKernel(OpKernelConstruction* context, const Kernel& kernel)
      : OpKernel(context),
        kernel_(kernel),
        on_host_(context->device_type() == tensorflow::DEVICE_CPU) {
    OP_REQUIRES_OK(context, ReadAttributes(context, kernel.op, &attributes_));
  }

  void Compute(OpKernelContext* context) override {
    Call call(context, kernel_.op, attributes_);
    OP_REQUIRES_OK(context, call.Prepare(on_host_));
    if (call.empty()) return;
    OP_REQUIRES_OK(context, kernel_.work(call));
  }

 private:
  const Kernel kernel_;
  const bool on_host_;
  Attributes attributes_;
};

struct Factory final : tensorflow::kernel_factory::OpKernelFactory {
  explicit Factory(const Kernel& kernel) : kernel(kernel) {}
  OpKernel* Create(OpKernelConstruction* context) override {
    return new DeclaredKernel(context, kernel);
  }
  const Kernel kernel;
};

// Whether a copy of this library, such as that of an export, is loaded already:
// TensorFlow runs no op that has two kernels for a device.
bool IsRegistered(const char* op, const char* device) {
  const tensorflow::KernelList there =
      tensorflow::GetRegisteredKernelsForOp(op);
  for (const tensorflow::KernelDef& kernel : there.kernel()) {
    if (kernel.device_type() == device) return true;
  }
  return false;
}

}  // namespace

bool RegisterKernels(const char* device,
                     std::initializer_list<Kernel> kernels) {
  for (const Kernel& kernel : kernels) {
    if (IsRegistered(kernel.op.name, device)) continue;
    tensorflow::KernelDefBuilder builder(kernel.op.name);
    builder.Device(device);
    for (const Input& input : kernel.op.inputs) {
      if (InHostMemory(input)) builder.HostMemory(input.name);
    }
    tensorflow::kernel_factory::OpKernelRegistrar(
        builder.Build(), kernel.op.title, std::make_unique<Factory>(kernel));
  }
  return true;
}

Call::Call(OpKernelContext* context, const OpDeclaration& op,
           const Attributes& attributes)
    : context_(context), op_(op), attributes_(attributes) {
  sizes_.fill(-1);
  for (char digit = '0'; digit <= '9'; ++digit) sizes_[digit] = digit - '0';
}

bool Call::empty() const {
  for (int i = 0; i < context_->num_outputs(); ++i) {
    if (context_->mutable_output(i)->NumElements() > 0) return false;
  }
  return true;
}

absl::Status Call::Prepare(bool on_host) {
  int position = 0;
  for (const Input& input : op_.inputs) {
    TF_RETURN_IF_ERROR(input.role == Role::kSize ? BindSize(input, position)
                                                 : Bind(input, position));
    ++position;
  }
  position = 0;
  for (const Input& input : op_.inputs) {
    TF_RETURN_IF_ERROR(CheckValues(input, position++, on_host));
  }
  return AllocateOutputs();
}

absl::Status Call::Bind(const Input& input, int position) {
  const absl::string_view axes = input.axes;
  const TensorShape& shape = context_->input(position).shape();
  if (shape.dims() != static_cast<int>(axes.size())) {
    return Mismatch(op_.title, input.name, Describe(axes), shape.DebugString());
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t& size = sizes_[axes[i]];
    if (size == -1) size = shape.dim_size(i);
    if (size != shape.dim_size(i)) {
      return Mismatch(op_.title, input.name, Describe(axes, axes[i], size),
                      shape.DebugString());
    }
    // Indices into the axis are int32, even where the tensor is empty.
    if (size > kLargest) {
      return Mismatch(op_.title, absl::StrCat("axis ", axes.substr(i, 1)),
                      "at most 2147483647 long", absl::StrCat(size));
    }
  }
  return CheckSize(input.name, shape);
}

absl::Status Call::BindSize(const Input& input, int position) {
  const tensorflow::Tensor& value = context_->input(position);
  if (value.dims() != 0) {
    return Mismatch(op_.title, input.name, "a scalar",
                    value.shape().DebugString());
  }
  sizes_[input.axis] = value.scalar<int32_t>()();
  if (sizes_[input.axis] >= 0) return absl::OkStatus();
  return Mismatch(op_.title, input.name, ">= 0",
                  absl::StrCat(sizes_[input.axis]));
}

// Larger tensors are refused: GPU kernels count elements in 32 bits.
absl::Status Call::CheckSize(absl::string_view name,
                             const TensorShape& shape) const {
  if (shape.num_elements() <= kLargest) return absl::OkStatus();
  return Mismatch(
      op_.title, name, "at most 2147483647 elements large",
      absl::StrCat(shape.num_elements(), " in ", shape.DebugString()));
}

absl::Status Call::CheckValues(const Input& input, int position,
                               bool on_host) const {
  switch (input.role) {
    case Role::kCounts:
      return CheckCounts(input, position);
    case Role::kMatches:
      if (sizes_[input.axis] == 0) return absl::OkStatus();
      [[fallthrough]];
    case Role::kIndices:
      // To look at them in the memory of a device would be to wait for it.
      return on_host ? CheckIndices(input, position) : absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status Call::CheckCounts(const Input& input, int position) const {
  const auto counts = context_->input(position).flat<int32_t>();
  const int64_t size = sizes_[input.axis];
  for (int64_t b = 0; b < counts.size(); ++b) {
    if (counts(b) >= 0 && counts(b) <= size) continue;
    return Mismatch(op_.title, absl::StrCat(input.name, "[", b, "]"),
                    absl::StrCat("within 0..", size), absl::StrCat(counts(b)));
  }
  return absl::OkStatus();
}

absl::Status Call::CheckIndices(const Input& input, int position) const {
  const auto indices = context_->input(position).flat<int32_t>();
  const int64_t size = sizes_[input.axis];
  const int64_t bad = gspn_find_bad_index(indices.data(), indices.size(), size);
  if (bad < 0) return absl::OkStatus();
  return Mismatch(
      op_.title, absl::StrCat(input.name, " (flat position ", bad, ")"),
      absl::StrCat("within 0..", size - 1), absl::StrCat(indices(bad)));
}

// One output, or several that a list of an attribute sizes one after the other.
absl::Status Call::AllocateOutputs() {
  const int repeats = context_->num_outputs() / op_.outputs.size();
  for (int i = 0; i < repeats; ++i) {
    for (const Attribute& attribute : op_.attributes) {
      if (attribute.axis != 0) sizes_[attribute.axis] = attributes_.sizes[i];
    }
    int position = i;
    for (const Output& output : op_.outputs) {
      TF_RETURN_IF_ERROR(Allocate(output, position));
      position += repeats;
    }
  }
  return absl::OkStatus();
}

absl::Status Call::Allocate(const Output& output, int position) {
  TensorShape shape;
  for (const char axis : absl::string_view(output.axes)) {
    TF_RETURN_IF_ERROR(shape.AddDimWithStatus(sizes_[axis]));
  }
  TF_RETURN_IF_ERROR(CheckSize(absl::StrCat("output ", position), shape));
  tensorflow::Tensor* tensor = nullptr;
  return context_->allocate_output(position, shape, &tensor);
}

}  // namespace gspn
