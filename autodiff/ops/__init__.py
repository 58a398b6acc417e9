"""The derivative table: one row per operation, by kind of operation.

A module is imported when one of its functions is first used, so that `import autodiff` stays quick; `table` imports
them all, for whoever looks operations up by name.
"""

from typing import TYPE_CHECKING

from ..later import later

if TYPE_CHECKING:
    from .activations import *
    from .aliases import *
    from .arrange import *
    from .choice import *
    from .contraction import *
    from .creation import *
    from .elementwise import *
    from .error_function import *
    from .exponentials import *
    from .index import *
    from .join import *
    from .linalg import *
    from .missing_values import *
    from .pieces import *
    from .random import *
    from .reduce import *
    from .rounding import *
    from .samples import *
    from .scan import *
    from .selection import *
    from .shape import *
    from .statistics import *
    from .trigonometry import *

# What each module lists in its `__all__`.
_OFFERED = {
    "activations": "elu gelu hard_tanh leaky_relu log_sigmoid relu6 selu silu softplus softsign",
    "aliases": (
        "acos acosh around asin asinh atan atan2 atanh concat conj conjugate divmod fabs float_power permute_dims pow "
        "real"
    ),
    "arrange": "flip fliplr flipud kron meshgrid pad repeat roll rot90 tile",
    "choice": "apply_along_axis choose compress extract partition piecewise select unique",
    "contraction": "einsum",
    "creation": "copy full_like linspace",
    "elementwise": (
        "abs absolute add cbrt clip copysign cos divide exp exp2 expm1 fmax fmin log log1p log2 log10 logaddexp "
        "logaddexp2 maximum minimum multiply nan_to_num negative positive power reciprocal relu sigmoid sign sin sqrt "
        "square subtract tanh true_divide where"
    ),
    "error_function": "erf erfc",
    "exponentials": "log_softmax logsumexp softmax",
    "index": "getitem",
    "join": "append array_split column_stack concatenate dstack hstack split stack vstack",
    "linalg": "cross dot inner matmul matrix_transpose matvec outer tensordot vdot vecdot vecmat",
    "missing_values": "nancumprod nancumsum nanmax nanmean nanmin nanprod nanstd nansum nanvar",
    "pieces": "block broadcast_arrays delete diagflat dsplit hsplit insert resize rollaxis unstack vsplit",
    "random": "dropout",
    "reduce": "amax amin max mean median min prod ptp std sum trace var",
    "rounding": "ceil fix floor floor_divide fmod heaviside mod remainder rint round trunc",
    "samples": (
        "convolve correlate cumulative_prod cumulative_sum diff ediff1d gradient interp polyval trapezoid unwrap vander"
    ),
    "scan": "cumprod cumsum",
    "selection": "diag diagonal sort take take_along_axis tril triu",
    "shape": (
        "astype atleast_1d atleast_2d atleast_3d broadcast_to expand_dims moveaxis ravel reshape squeeze swapaxes "
        "transpose"
    ),
    "statistics": "average bincount corrcoef cov percentile quantile",
    "trigonometry": (
        "arccos arccosh arcsin arcsinh arctan arctan2 arctanh cosh deg2rad degrees hypot rad2deg radians sinc sinh tan"
    ),
}
_HOME = {name: module for module, names in _OFFERED.items() for name in names.split()}

__all__ = [*_HOME]


__getattr__, __dir__ = later(globals(), _HOME)
