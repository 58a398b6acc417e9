"""Values shown as small pictures: which are recognised, and which are marked by hand."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import autodiff as ad
import viz
from autodiff import nn
from autodiff.errors import GraphError, SettingError
from viz.html import to_html
from viz.thumbnails import data_uri
from viz.view import view

RAMP = np.arange(784.0)


def image_of(leaf, **options):
    """The thumbnail on the card of a leaf."""
    return view(ad.sum(leaf * 1.0), **options).cards[0].image


def tensor(*shape):
    return ad.Tensor(np.arange(float(np.prod(shape))).reshape(shape), name="x")


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((28, 28), (28, 28)),
        ((784,), (28, 28)),
        ((5, 784), (28, 28)),
        ((5, 28, 28), (28, 28)),
        ((2, 3, 16, 16), (16, 16)),
        ((16, 16), None),
        ((3, 7, 7), None),
        ((2, 5, 784), None),
        ((0, 784), None),
        ((10,), None),
    ],
)
def test_what_is_recognised(shape, size):
    image = image_of(tensor(*shape))
    assert (image and (len(image), len(image[0]))) == size


def test_a_first_layers_weights_show_the_strongest_column():
    weights = np.zeros((784, 3))
    weights[:, 1] = RAMP
    layer = nn.Parameter(weights, name="W")
    assert image_of(layer)[27][27] == 255
    assert image_of(layer)[0][0] == 0


@pytest.mark.parametrize(
    ("shape", "images", "size"),
    [
        ((35,), {"x": (7, 5)}, (7, 5)),
        ((3, 35), {"x": (7, 5)}, (7, 5)),
        ((35, 4), {"x": (7, 5)}, (7, 5)),
        ((7, 5), "x", (7, 5)),
        ((2, 7, 5), ["x"], (7, 5)),
        ((49,), "x", (7, 7)),
        ((7, 5), {"x": None}, (7, 5)),
        ((7, 5), {0: None}, (7, 5)),
        ((100, 300), "x", (64, 64)),
    ],
)
def test_what_is_marked(shape, images, size):
    image = image_of(tensor(*shape), images=images)
    assert (len(image), len(image[0])) == size


def test_an_operation_can_be_marked():
    content = view(ad.sum(ad.tanh(tensor(3, 3), name="h")), images="h")
    assert [card.title for card in content.cards if card.image] == ["h = tanh(x)"]


@pytest.mark.parametrize(
    ("shape", "images", "error", "says"),
    [
        ((35,), "x", SettingError, "no square; give its height and width"),
        ((35,), {"x": (6, 6)}, SettingError, "holds no image of 6 × 6"),
        ((), "x", SettingError, "no square"),
        ((0, 4), "x", SettingError, "holds no image"),
        ((7, 5), "nothing", GraphError, "images: 'nothing' is not in the drawing"),
    ],
)
def test_what_is_no_image(shape, images, error, says):
    with pytest.raises(error, match=says):
        image_of(tensor(*shape), images=images)


def test_pixels_that_are_not_finite_have_no_thumbnail():
    x = ad.Tensor(np.full((28, 28), np.nan), name="x")
    assert image_of(x) is None


def test_an_address_holds_the_pixels():
    address = data_uri(((0, 100), (255, 7)))
    png = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert np.asarray(Image.open(io.BytesIO(png))).tolist() == [[0, 100], [255, 7]]


def test_every_form_that_can_show_pixels_does():
    loss = ad.sum(ad.Tensor(RAMP, name="x") * 2.0)
    assert "data:image/png" in to_html(loss)
    assert viz.to_tikz(loss).count("rectangle") > 250  # runs of equal pixels are one
    assert viz.to_dot(loss).count("bgcolor") > 784
    assert "data:image/png" not in to_html(loss, show="value")


@pytest.mark.parametrize("images", ["x=5", "x=0x3", "x=axb", "x=3x"])
def test_a_size_that_is_none_is_told(images, chainlens, tmp_path):
    done = chainlens("draw", "sum(x)", "x=[1,2]", "--images", images)
    assert done.stderr == f"error: --images {images}: write a height and a width, such as x=28x28\n"


def test_the_command_marks_images(chainlens, tmp_path):
    chainlens("draw", "sum(x)", "x=[1,2,3,4,5,6]", "--images", "x=2x3", "-o", "x.dot")
    assert (tmp_path / "x.dot").read_text().count("bgcolor") > 6
