// The form in which an op is declared: once for its registration, its shape
// function and its kernels on every device. The declarations are in tf/ops.h.
#ifndef GSPN_TF_TF_DECLARATION_H_
#define GSPN_TF_TF_DECLARATION_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace gspn {

// The meaning of an input's values, which kernels check. Counts, sizes and
// numbers are in host memory on every device.
enum class Role {
  kValues,   // not checked
  kCounts,   // each within 0..size of the axis
  kIndices,  // each within 0..size-1 of the axis
  kMatches,  // indices that nobody follows where the axis is empty
  kSize,     // a scalar, which becomes the size of the axis
  kNumbers,  // not checked, but read by the host
};

// `axes` describes a shape: "BN3" is [B, N, 3]. A letter is an axis, of the
// same size in all inputs and outputs of the op, and a digit is a fixed size.
struct Input {
  const char* name;
  const char* type;
  const char* axes;
  Role role = Role::kValues;
  char axis = 0;  // that the role is about
};

struct Output {
  const char* name;
  const char* type;  // "num_radii * float": one for each value of a list
  const char* axes;
};

struct Attribute {
  const char* name;
  const char* type;
  char axis = 0;  // whose size it is
};

// The values of a kernel's attributes in the order of their declaration: those
// that are sizes of axes, and those of type float; all values of a list.
struct Attributes {
  std::vector<int64_t> sizes;
  std::vector<float> numbers;
};

struct OpDeclaration {
  const char* name;   // of the op in graphs
  const char* title;  // in messages
  std::initializer_list<Input> inputs;
  std::initializer_list<Output> outputs;
  std::initializer_list<Attribute> attributes = {};
  // Checks the values of attributes of which there are so many in a list.
  absl::Status (*check)(const Attributes&, size_t count) = nullptr;
};

inline absl::Status Mismatch(absl::string_view op, absl::string_view argument,
                             absl::string_view expected,
                             absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(op, ": ", argument, " must be ", expected, ", got ", got));
}

// "BN3" -> "[B, N, 3]", and " with N = 5" where one axis has another size.
inline std::string Describe(absl::string_view axes) {
  std::string text = "[";
  for (size_t i = 0; i < axes.size(); ++i) {
    absl::StrAppend(&text, i > 0 ? ", " : "", axes.substr(i, 1));
  }
  return text + "]";
}

inline std::string Describe(absl::string_view axes, char axis, int64_t size) {
  return absl::StrCat(Describe(axes), " with ", std::string(1, axis), " = ",
                      size);
}

}  // namespace gspn

#endif  // GSPN_TF_TF_DECLARATION_H_
