"""Packaging of gspn-tf: one op library per TensorFlow minor version, built by ninja.

The library is `gspn_tf/_gspn_ops_tf<major>_<minor>.so`. It holds the kernels of
`tf_ops/kernels` (which know nothing of TensorFlow) and the shims of `tf_ops/tf`, and
when nvcc is found the kernels of `tf_ops/cuda` and the shims of `tf_ops/tf/cuda`. No
Python C API is used, so one library serves every Python version.

Environment: GSPN_CUDA=0|1|auto (auto), CUDA_HOME, GSPN_CUDA_ARCHS (see CUDA_ARCHS),
GSPN_OPS_ONLY=1 (accept every TensorFlow since OPS_MINIMUM), CXX, MAX_JOBS.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CUDA_ARCHS = "75;80;86;89;90+PTX"
TF_NEXT = (2, 22)  # first TensorFlow that is not supported
TF_MINIMUM = (2, 21)
OPS_MINIMUM = (2, 15)  # without the networks, which need Keras 3.15
TF_RANGE = ">={}.{},<{}.{}".format(*TF_MINIMUM, *TF_NEXT)

# Finds TensorFlow without importing it: setup.py runs several times in one install.
PROBE = """
import importlib.metadata, importlib.util, json
folder = list(importlib.util.find_spec("tensorflow").submodule_search_locations)[0]
names = ("tensorflow", "tensorflow-cpu", "tf-nightly", "tensorflow-rocm")
found = {d.metadata["Name"].replace("_", "-").lower(): d.version
         for d in importlib.metadata.distributions() if d.metadata["Name"]}
name = next(n for n in names if n in found)
print("@@" + json.dumps({"name": name, "version": found[name], "folder": folder}))
"""
# What tf.sysconfig.get_compile_flags() says in every wheel since 2.15. Warnings of
# TensorFlow's own headers are silenced by -isystem; these two reach through it.
TF_FLAGS = (
    "-D_GLIBCXX_USE_CXX11_ABI=1 -DEIGEN_MAX_ALIGN_BYTES=64 -isystem tf_include "
    "-Wno-deprecated-declarations -Wno-interference-size"
)


def probe_tensorflow(*flags):
    """Name, version and folder of an environment's TensorFlow, or None.

    Without flags the environment of the build; with `-I`, past pip's build isolation,
    the one that is installed into.
    """
    command = [sys.executable, *flags, "-c", PROBE]
    result = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if result.returncode:
        return None
    return json.loads(result.stdout.split("@@", 1)[1])


def minor_version(tensorflow):
    """(2, 21) of TensorFlow 2.21.x."""
    return tuple(int(part) for part in tensorflow["version"].split(".")[:2])


def find_nvcc():
    """Path of nvcc, or None for a library without CUDA."""
    mode = os.environ.get("GSPN_CUDA", "auto")
    if mode not in ("0", "1", "auto"):
        sys.exit(f"GSPN_CUDA must be 0, 1 or auto, got {mode!r}")
    if mode == "0":
        return None
    homes = ["/usr/local/cuda", f"{sysconfig.get_path('purelib')}/nvidia/cu13"]
    found = [shutil.which("nvcc"), *[f"{home}/bin/nvcc" for home in homes]]
    if "CUDA_HOME" in os.environ:
        found.insert(0, f"{os.environ['CUDA_HOME']}/bin/nvcc")
    found = [Path(path) for path in found if path and os.access(path, os.X_OK)]
    nvcc = found[0] if found else None
    if nvcc is None and mode == "1":
        sys.exit("GSPN_CUDA=1 but there is no nvcc: set CUDA_HOME")
    return nvcc


def cuda_home(nvcc):
    """The toolkit of an nvcc, right even when nvcc is a wrapper script."""
    command = [str(nvcc), "--dryrun", "-x", "cu", "/dev/null"]
    output = subprocess.run(command, capture_output=True, text=True).stderr
    return Path(output.split("TOP=", 1)[1].split("\n")[0]).resolve()


def gencode(archs):
    """Flags of nvcc for a list such as 80;90+PTX."""
    flags = []
    for arch in archs.split(";"):
        number = arch.removesuffix("+PTX")
        flags.append(f"-gencode=arch=compute_{number},code=sm_{number}")
        if arch.endswith("+PTX"):
            flags.append(f"-gencode=arch=compute_{number},code=compute_{number}")
    return " ".join(flags)


class NinjaFile:
    """Collects rules and objects, then writes build.ninja."""

    def __init__(self, folder, nvcc):
        self.folder = folder
        self.nvcc = nvcc
        self.objects = []
        cxx = os.environ.get("CXX", "g++")
        self.lines = [
            "ninja_required_version = 1.3",
            "rule cxx",
            f"  command = {cxx} -std=c++17 -O3 -g0 -fPIC -fvisibility=hidden -Wall "
            f"-ffp-contract=off -I{ROOT}/tf_ops $flags -MMD -MF $out.d -c $in -o $out",
            "  depfile = $out.d\n  deps = gcc\n  description = CXX $out",
            "rule link",
            f"  command = {cxx} -shared -o $out $in $libs",
            "  description = LINK $out",
        ]

    def compile(self, source, flags="", suffix="", rule="cxx", depends=""):
        """One object of a source under tf_ops/."""
        name = source.relative_to(ROOT / "tf_ops").as_posix() + suffix + ".o"
        self.objects.append(name)
        self.lines.append(f"build {name}: {rule} {source} | {depends}")
        self.lines.append(f"  flags = {flags}")

    def add_cpu(self):
        """Kernels, hot loops (once per instruction set) and shims."""
        for source in sorted((ROOT / "tf_ops/kernels").glob("*.cc")):
            self.compile(source)
        simd = ROOT / "tf_ops/kernels/simd"
        self.compile(simd / "dispatch.cc")
        marches = {"base": ""}
        if platform.machine() == "x86_64":
            marches["v3"] = "-march=x86-64-v3"
            marches["v4"] = "-march=x86-64-v4 -mprefer-vector-width=512"
        for isa, march in marches.items():
            flags = f"-fno-exceptions -DGSPN_ISA={isa} {march}"
            self.compile(simd / "loops.cc", flags, f".{isa}")
        for source in sorted((ROOT / "tf_ops/tf").glob("*.cc")):
            self.compile(source, TF_FLAGS)

    def add_cuda(self):
        """Kernels, for all architectures, and their shims."""
        archs = os.environ.get("GSPN_CUDA_ARCHS", CUDA_ARCHS)
        options = ROOT / "tf_ops/cuda/nvcc.options"
        self.lines += [
            "rule nvcc",
            f"  command = {self.nvcc} --options-file {options} -I{ROOT}/tf_ops "
            f"{gencode(archs)} -MMD -MF $out.d -c $in -o $out",
            "  depfile = $out.d\n  deps = gcc\n  description = NVCC $out",
        ]
        for source in sorted((ROOT / "tf_ops/cuda").glob("*.cu")):
            self.compile(source, rule="nvcc", depends=options)
        for source in sorted((ROOT / "tf_ops/tf/cuda").glob("*.cc")):
            self.compile(source, TF_FLAGS)

    def write(self):
        """Adds the link step and writes the file.

        cudart_static comes before libtensorflow_framework, which exports cuda stubs of
        its own in some wheels and none in others; its symbols stay hidden.
        """
        libs = "-Wl,--exclude-libs,ALL -Wl,-s "
        if self.nvcc:
            home = cuda_home(self.nvcc)
            libs += f"-L{home}/lib64 -L{home}/lib -lcudart_static -ldl -lpthread -lrt "
        libs += "-Ltf_lib -l:libtensorflow_framework.so.2"
        self.lines.append(f"build ops.so: link {' '.join(self.objects)}")
        self.lines.append(f"  libs = {libs}\ndefault ops.so\n")
        (self.folder / "build.ninja").write_text("\n".join(self.lines))


def link_tensorflow(folder, tensorflow):
    """Stable paths for ninja: an isolated build has TensorFlow elsewhere each time."""
    source = Path(tensorflow["folder"])
    for name, target in (("tf_include", source / "include"), ("tf_lib", source)):
        link = folder / name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(target)


def run_ninja(folder):
    """Builds with the ninja of PyPI: another one would rebuild everything."""
    import ninja

    jobs = ["-j", os.environ["MAX_JOBS"]] if "MAX_JOBS" in os.environ else []
    command = [str(Path(ninja.BIN_DIR) / "ninja"), "-C", str(folder), *jobs]
    if subprocess.run(command).returncode:
        sys.exit("gspn-tf: the op library did not compile (see the messages above)")


class BuildOps(build_ext):
    """Builds the op library instead of a Python extension module."""

    def get_ext_filename(self, fullname):
        """Name of the library: it says which TensorFlow it is for."""
        major, minor = minor_version(TENSORFLOW) if TENSORFLOW else TF_MINIMUM
        return f"{fullname.replace('.', '/')}_tf{major}_{minor}.so"

    def build_extension(self, ext):
        """Compiles what changed and copies the library into place."""
        if TENSORFLOW is None:
            sys.exit("gspn-tf needs TensorFlow to build: pip install tensorflow-cpu")
        ops_only = os.environ.get("GSPN_OPS_ONLY") == "1"
        minimum = OPS_MINIMUM if ops_only else TF_MINIMUM
        if not minimum <= minor_version(TENSORFLOW) < TF_NEXT:
            version = TENSORFLOW["version"]
            wanted = ">={}.{},<{}.{}".format(*minimum, *TF_NEXT)
            sys.exit(f"gspn-tf needs tensorflow{wanted} to build, found {version}")
        nvcc = find_nvcc()
        version = "{}.{}".format(*minor_version(TENSORFLOW))
        folder = ROOT / f"build/ops-tf{version}-{'cuda' if nvcc else 'cpu'}"
        folder.mkdir(parents=True, exist_ok=True)
        link_tensorflow(folder, TENSORFLOW)
        rules = NinjaFile(folder, nvcc)
        rules.add_cpu()
        if nvcc:
            rules.add_cuda()
        rules.write()
        run_ninja(folder)
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        shutil.copyfile(folder / "ops.so", temporary)
        temporary.replace(target)


class Wheel(bdist_wheel):
    """A wheel for one platform and every Python 3: no Python ABI in it."""

    def get_tag(self):
        """py3-none-<platform>."""
        return "py3", "none", super().get_tag()[2]


def requirements(tensorflow):
    """Run-time requirements; the CPU build of TensorFlow serves where it is there."""
    needs = [
        "keras>=3.15,<3.16",
        "numpy>=2,<3",
        "absl-py",
        "ml_collections",
        "pillow",
        "jinja2",
        "matplotlib",
        "rich",
        "tensorboard",
        "scipy",
        "h5py",  # PartNet's files; keras needs it too
        "trimesh",
        # 2021.12.3 needs tensorflow-addons, which has no release for Python 3.12 and
        # later: there pip takes 2020.5.20, whose geometry functions are the same.
        "tensorflow-graphics",
    ]
    if tensorflow and tensorflow["name"] == "tensorflow-cpu":
        return [f"tensorflow-cpu{TF_RANGE}", *needs]
    return [f"tensorflow{TF_RANGE}", *needs]


HOMES = [
    "embreex; platform_machine != 'aarch64'",  # there is no wheel for it
    "fast-simplification",
    "scikit-image",
]
LAS = ["laspy", "lazrs"]
E57 = ["pye57; platform_machine != 'aarch64'"]  # there is no wheel for it


def testing_requirements(tensorflow):
    """What the tests need besides.

    tensorflow-serving-api asks for tensorflow, which must not go over tensorflow-cpu.
    """
    needs = [
        "pytest",
        "pytest-xdist",
        "hypothesis",
        "ruff",
        "clang-format",
        "import-linter",
        "mypy",
        *HOMES,
    ]
    if tensorflow and tensorflow["name"] == "tensorflow-cpu":
        return needs
    return [*needs, f"tensorflow-serving-api{TF_RANGE}"]


INSTALLED = probe_tensorflow("-I")
TENSORFLOW = INSTALLED or probe_tensorflow()

setup(
    name="gspn-tf",
    version="0.1.0",
    description="GSPN and R-PointNet: 3D instance segmentation in TensorFlow 2",
    long_description="Generative Shape Proposal Network (CVPR 2019) for TensorFlow 2.",
    license="MIT",
    python_requires=">=3.11,<3.14",
    packages=[*find_packages(include=["gspn_tf", "gspn_tf.*"]), "gspn_tf.configs"],
    package_dir={"gspn_tf.configs": "configs"},
    package_data={
        "": ["*.html", "*.css", "*.js"],
        "gspn_tf": ["presets/*/*"],
        "gspn_tf.configs": ["*/*.txt"],
        "gspn_tf.data.sample": ["home.ply"],
        "gspn_tf.inference.serving": ["assets/*"],
        "gspn_tf.synthetic.homes.furniture": ["furniture.csv"],
        "gspn_tf.visualize": ["assets/*"],
    },
    entry_points={"console_scripts": ["gspn = gspn_tf.commands.main:main"]},
    ext_modules=[Extension("gspn_tf._gspn_ops", sources=[])],
    cmdclass={"build_ext": BuildOps, "bdist_wheel": Wheel},
    setup_requires=[] if TENSORFLOW else [f"tensorflow-cpu{TF_RANGE}"],
    install_requires=requirements(INSTALLED),
    extras_require={
        "homes": HOMES,  # gspn prepare homes
        "las": LAS,  # LAS and LAZ scans
        "e57": E57,  # E57 scans
        "beam": ["apache-beam"],  # scans in bulk, gspn_tf.inference.beam
        "test": testing_requirements(INSTALLED),
        "serving": [f"tensorflow-serving-api{TF_RANGE}"],  # the clients' messages
    },
)
