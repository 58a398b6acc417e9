"""The derivative table: one row per operation, by kind of operation. Each module lists what it offers in `__all__`."""

from ..graph import OPERATIONS
from ..primitive import reserve_names
from . import (
    activations,
    aliases,
    arrange,
    choice,
    contraction,
    creation,
    decompositions,  # noqa: F401  # offered by `autodiff.linalg`
    determinants,  # noqa: F401  # offered by `autodiff.linalg`
    elementwise,
    error_function,
    exponentials,
    index,
    join,
    linalg,
    matrices,  # noqa: F401  # offered by `autodiff.linalg`
    missing_values,
    norms,  # noqa: F401  # offered by `autodiff.linalg`
    pieces,
    random,
    reduce,
    rounding,
    samples,
    scan,
    selection,
    shape,
    statistics,
    systems,  # noqa: F401  # offered by `autodiff.linalg`
    trigonometry,
)
from .activations import *  # noqa: F403
from .aliases import *  # noqa: F403
from .arrange import *  # noqa: F403
from .choice import *  # noqa: F403
from .contraction import *  # noqa: F403
from .creation import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .error_function import *  # noqa: F403
from .exponentials import *  # noqa: F403
from .index import *  # noqa: F403
from .join import *  # noqa: F403
from .linalg import *  # noqa: F403
from .missing_values import *  # noqa: F403
from .pieces import *  # noqa: F403
from .random import *  # noqa: F403
from .reduce import *  # noqa: F403
from .rounding import *  # noqa: F403
from .samples import *  # noqa: F403
from .scan import *  # noqa: F403
from .selection import *  # noqa: F403
from .shape import *  # noqa: F403
from .statistics import *  # noqa: F403
from .trigonometry import *  # noqa: F403

__all__: list[str] = []
__all__ += activations.__all__
__all__ += aliases.__all__
__all__ += arrange.__all__
__all__ += choice.__all__
__all__ += contraction.__all__
__all__ += creation.__all__
__all__ += elementwise.__all__
__all__ += error_function.__all__
__all__ += exponentials.__all__
__all__ += index.__all__
__all__ += join.__all__
__all__ += linalg.__all__
__all__ += missing_values.__all__
__all__ += pieces.__all__
__all__ += random.__all__
__all__ += reduce.__all__
__all__ += rounding.__all__
__all__ += samples.__all__
__all__ += scan.__all__
__all__ += selection.__all__
__all__ += shape.__all__
__all__ += statistics.__all__
__all__ += trigonometry.__all__

reserve_names(*OPERATIONS)
