// Shape checks with named axes, the same for shape functions and kernels.
//
// An input is described by a string: "BN3" is [B, N, 3], where every letter
// must mean the same size in all inputs of the op and a digit is a fixed size.
#ifndef GSPN_TF_TF_CHECKS_H_
#define GSPN_TF_TF_CHECKS_H_

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "kernels/kernels.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace gspn {

using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

inline const int32_t* Counts(OpKernelContext* context, int input) {
  return context->input(input).flat<int32_t>().data();
}

inline const float* Values(OpKernelContext* context, int input) {
  return context->input(input).flat<float>().data();
}

// "BN3" -> "[B, N, 3]"
inline std::string Describe(absl::string_view axes) {
  std::string text = "[";
  for (size_t i = 0; i < axes.size(); ++i) {
    absl::StrAppend(&text, i > 0 ? ", " : "", axes.substr(i, 1));
  }
  return text + "]";
}

inline absl::Status Mismatch(absl::string_view op, absl::string_view argument,
                             absl::string_view expected,
                             absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(op, ": ", argument, " must be ", expected, ", got ", got));
}

// Axes of an op while its graph is built: sizes may be unknown.
class StaticAxes {
 public:
  StaticAxes(InferenceContext* context, absl::string_view op)
      : context_(context), op_(op) {
    for (DimensionHandle& dim : dims_) dim = context->UnknownDim();
  }

  // Adds one input; an error names the argument and its axes.
  absl::Status Bind(int input, absl::string_view name, absl::string_view axes) {
    const ShapeHandle shape = context_->input(input);
    if (!context_->RankKnown(shape)) return absl::OkStatus();
    const std::string got = context_->DebugString(shape);
    if (context_->Rank(shape) != static_cast<int64_t>(axes.size())) {
      return Mismatch(op_, name, Describe(axes), got);
    }
    for (size_t i = 0; i < axes.size(); ++i) {
      DimensionHandle& known = dims_[axes[i]];
      const DimensionHandle dim = context_->Dim(shape, i);
      const DimensionHandle expected = absl::ascii_isdigit(axes[i])
                                           ? context_->MakeDim(axes[i] - '0')
                                           : known;
      if (!context_->Merge(expected, dim, &known).ok()) {
        return Mismatch(
            op_, name,
            absl::StrCat(Describe(axes), " with ", axes.substr(i, 1), " = ",
                         context_->Value(expected)),
            got);
      }
    }
    return absl::OkStatus();
  }

  void Set(char axis, DimensionHandle dim) { dims_[axis] = dim; }

  ShapeHandle Shape(absl::string_view axes) const {
    std::vector<DimensionHandle> dims;
    for (const char axis : axes) {
      dims.push_back(absl::ascii_isdigit(axis) ? context_->MakeDim(axis - '0')
                                               : dims_[axis]);
    }
    return context_->MakeShape(dims);
  }

 private:
  InferenceContext* context_;
  absl::string_view op_;
  std::array<DimensionHandle, 128> dims_;
};

// Axes of an op while it runs: sizes are known.
class Axes {
 public:
  Axes(OpKernelContext* context, absl::string_view op)
      : context_(context), op_(op) {
    sizes_.fill(-1);
  }

  absl::Status Bind(int input, absl::string_view name, absl::string_view axes) {
    const TensorShape& shape = context_->input(input).shape();
    if (shape.dims() != static_cast<int>(axes.size())) {
      return Mismatch(op_, name, Describe(axes), shape.DebugString());
    }
    for (size_t i = 0; i < axes.size(); ++i) {
      const char axis = axes[i];
      if (absl::ascii_isdigit(axis)) sizes_[axis] = axis - '0';
      if (sizes_[axis] == -1) sizes_[axis] = shape.dim_size(i);
      if (sizes_[axis] != shape.dim_size(i)) {
        return Mismatch(op_, name,
                        absl::StrCat(Describe(axes), " with ",
                                     axes.substr(i, 1), " = ", sizes_[axis]),
                        shape.DebugString());
      }
    }
    return CheckSize(name, shape);
  }

  // Larger tensors are refused: GPU kernels count elements in 32 bits.
  absl::Status CheckSize(absl::string_view name,
                         const TensorShape& shape) const {
    if (shape.num_elements() <= std::numeric_limits<int32_t>::max()) {
      return absl::OkStatus();
    }
    return Mismatch(
        op_, name, "at most 2147483647 elements large",
        absl::StrCat(shape.num_elements(), " in ", shape.DebugString()));
  }

  // An axis that int32 indices run over.
  absl::Status CheckIndexable(char axis) const {
    if (sizes_[axis] <= std::numeric_limits<int32_t>::max()) {
      return absl::OkStatus();
    }
    return Mismatch(op_, absl::StrCat("axis ", std::string(1, axis)),
                    "at most 2147483647 long", absl::StrCat(sizes_[axis]));
  }

  // num_points [B]: every value within 0..size of the axis.
  absl::Status CheckCounts(int input, absl::string_view name, char axis) const {
    const auto counts = context_->input(input).flat<int32_t>();
    for (int64_t b = 0; b < counts.size(); ++b) {
      if (counts(b) < 0 || counts(b) > sizes_[axis]) {
        return Mismatch(op_, absl::StrCat(name, "[", b, "]"),
                        absl::StrCat("within 0..", sizes_[axis]),
                        absl::StrCat(counts(b)));
      }
    }
    return absl::OkStatus();
  }

  // Every int32 value of an input within 0..size-1 of the axis.
  absl::Status CheckIndices(int input, absl::string_view name,
                            char axis) const {
    const auto indices = context_->input(input).flat<int32_t>();
    const int64_t bad =
        gspn_find_bad_index(indices.data(), indices.size(), sizes_[axis]);
    if (bad < 0) return absl::OkStatus();
    return Mismatch(op_, absl::StrCat(name, " (flat position ", bad, ")"),
                    absl::StrCat("within 0..", sizes_[axis] - 1),
                    absl::StrCat(indices(bad)));
  }

  // A scalar int32 input that becomes the size of an axis.
  absl::Status BindScalar(int input, absl::string_view name, char axis) {
    const Tensor& value = context_->input(input);
    if (value.dims() != 0) {
      return Mismatch(op_, name, "a scalar", value.shape().DebugString());
    }
    sizes_[axis] = value.scalar<int32_t>()();
    if (sizes_[axis] >= 0) return absl::OkStatus();
    return Mismatch(op_, name, ">= 0", absl::StrCat(sizes_[axis]));
  }

  void Set(char axis, int64_t size) { sizes_[axis] = size; }
  int64_t operator[](char axis) const { return sizes_[axis]; }

  absl::Status Allocate(int output, absl::string_view axes, Tensor** tensor) {
    TensorShape shape;
    for (const char axis : axes) {
      const int64_t size =
          absl::ascii_isdigit(axis) ? axis - '0' : sizes_[axis];
      TF_RETURN_IF_ERROR(shape.AddDimWithStatus(size));
    }
    TF_RETURN_IF_ERROR(CheckSize(absl::StrCat("output ", output), shape));
    return context_->allocate_output(output, shape, tensor);
  }

 private:
  OpKernelContext* context_;
  absl::string_view op_;
  std::array<int64_t, 128> sizes_;
};

}  // namespace gspn

#endif  // GSPN_TF_TF_CHECKS_H_
