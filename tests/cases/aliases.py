"""Cases of `autodiff/ops/aliases.py`."""

import autodiff as ad

from .points import NONZERO, POSITIVE, A, B

CASES = {}

COMPOSITES = {
    "real": [(lambda x: ad.real(x) * ad.conj(x), A)],
    "fabs": [(ad.fabs, NONZERO)],
    "float_power": [(lambda x, y: ad.astype(ad.float_power(x, y), x.dtype), POSITIVE, B)],
    "divmod": [(lambda x, y: ad.add(*ad.divmod(x, y)), A, NONZERO)],
}
