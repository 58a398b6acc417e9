"""The derivative table: one row per operation, by kind of operation. Each module lists what it offers in `__all__`."""

from ..primitive import reserve_names
from . import arrange, elementwise, exponentials, index, join, linalg, random, reduce, scan, selection, shape
from .arrange import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .exponentials import *  # noqa: F403
from .index import *  # noqa: F403
from .join import *  # noqa: F403
from .linalg import *  # noqa: F403
from .random import *  # noqa: F403
from .reduce import *  # noqa: F403
from .scan import *  # noqa: F403
from .selection import *  # noqa: F403
from .shape import *  # noqa: F403

__all__: list[str] = []
__all__ += arrange.__all__
__all__ += elementwise.__all__
__all__ += exponentials.__all__
__all__ += index.__all__
__all__ += join.__all__
__all__ += linalg.__all__
__all__ += random.__all__
__all__ += reduce.__all__
__all__ += scan.__all__
__all__ += selection.__all__
__all__ += shape.__all__

reserve_names()
