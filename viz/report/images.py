"""The images of a run's page: mistakes, and the weights of the first layer; each with a caption."""

import base64
import io
from collections.abc import Sequence

import numpy as np

from ..health_table import percent
from ..notation import shorten
from .findings import Findings, Mistake
from .markup import Markup, element, joined
from .tiles import FirstWeights, describe_mistake

SIDE = 96  # pixels of the screen that the longer side of an image takes
NAME_LENGTH = 24
AGAINST, FOR = (42, 125, 196), (217, 95, 2)  # seen on white and on black; how strong they are is how opaque


def mistakes(findings: Findings, worst: Sequence[Mistake]) -> Markup:
    """The misread images with the highest loss."""
    if not worst:
        return element("p", "No test image is misread.", class_="note")
    items = []
    for mistake in worst:
        image = _image(findings.images[mistake.image], describe_mistake(findings, mistake))
        truth, read = (shorten(findings.names[label], NAME_LENGTH) for label in (mistake.truth, mistake.read))
        caption = (
            element("span", truth, class_="truth")
            + " → "
            + element("span", read, class_="read")
            + element("small", f"{percent(mistake.read_probability)} sure")
            + element("small", f"{percent(mistake.truth_probability)} for {truth}")
        )
        items.append(element("li", element("figure", image + element("figcaption", caption))))
    note = "The misread test images with the highest loss: what each is → what it is read as, and how sure of that."
    return element("p", note, class_="note") + element("ul", joined(items), class_="images")


def weights(first: FirstWeights | None) -> Markup:
    """The weights into each unit of the first layer."""
    if first is None:
        return element("p", "The first layer takes no pixels, so its weights are no images.", class_="note")
    strength = np.clip(np.abs(first.images) / first.limit, 0, 1)
    colours = np.where((first.images > 0)[..., None], np.array(FOR), np.array(AGAINST))
    pixels = np.concatenate([colours, np.rint(255 * strength)[..., None]], axis=-1).astype(np.uint8)
    items = [
        element("li", element("figure", _image(image, "") + element("figcaption", shorten(name, NAME_LENGTH))))
        for image, name in zip(pixels, first.names, strict=True)
    ]
    return element("p", first.description, class_="note") + element("ul", joined(items), class_="images weights")


def _image(pixels: np.ndarray, alt: str) -> Markup:
    """An image of grey (height, width) or of colours (height, width, 4), as large as the others."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    height, width = (max(1, round(n * SIDE / max(pixels.shape[:2]))) for n in pixels.shape[:2])
    address = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return element("img", None, src=address, alt=alt, width=width, height=height)
