"""Each image gets its own draw, and a draw does exactly what it says."""

import hashlib

import numpy as np
import pytest
import torch

from fashion_lib.data.augmentation import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    apply_changes,
    augment,
    draw_changes,
    normalise,
    pixel_tensor,
)

SIZE = 12


def pictures(count=6, seed=0):
    return np.random.default_rng(seed).integers(0, 200, (count, SIZE, SIZE, 3), dtype=np.uint8)


def moved(picture, down, right, mirrored):
    """One picture shifted with its edge repeated, then mirrored: pixel by pixel."""
    result = np.empty_like(picture)
    for y in range(SIZE):
        for x in range(SIZE):
            result[y, x] = picture[min(max(y - down, 0), SIZE - 1), min(max(x - right, 0), SIZE - 1)]
    return result[:, ::-1] if mirrored else result


def test_shift_and_flip_are_exact_and_drawn_for_each_image():
    pixels = pictures(24)
    result = augment(pixels, np.random.default_rng(1), shift=0.17, brightness=0.0).numpy()
    found = []
    for before, after in zip(pixels, result, strict=True):
        matches = [
            (down, right, mirrored)
            for down in range(-2, 3)
            for right in range(-2, 3)
            for mirrored in (False, True)
            if np.array_equal(moved(before, down, right, mirrored), after)
        ]
        assert len(matches) == 1  # 0.17 of 12 pixels: at most 2
        found += matches
    downs, rights, mirrors = (set(draws) for draws in zip(*found, strict=True))
    assert len(downs) > 2 and len(rights) > 2 and mirrors == {False, True}


def test_two_copies_of_one_image_in_a_batch_differ():
    pixels = np.repeat(pictures(1), 8, axis=0)
    result = augment(pixels, np.random.default_rng(0))
    assert len({image.numpy().tobytes() for image in result}) == 8


def test_brightness_is_one_factor_an_image_within_its_range():
    pixels = pictures(16)
    result = augment(pixels, np.random.default_rng(0), shift=0.0, flip=False, brightness=0.15).numpy()
    factors = [result[i][pixels[i] > 0] / pixels[i][pixels[i] > 0] for i in range(16)]
    assert all(np.ptp(f) < 1e-5 and 0.85 <= f.mean() <= 1.15 for f in factors)
    assert np.ptp([f.mean() for f in factors]) > 0.1


def test_augment_without_changes_is_the_picture_and_leaves_its_input_alone():
    pixels = pictures()
    kept = pixels.copy()
    pixels.setflags(write=False)  # rows of a read-only memory map
    same = augment(pixels, np.random.default_rng(0), shift=0.0, brightness=0.0, flip=False)
    augment(pixels, np.random.default_rng(0))
    assert same.dtype == torch.float32 and np.array_equal(same.numpy(), kept) and np.array_equal(pixels, kept)


def test_same_generator_state_gives_the_same_batch():
    first, second = (augment(pictures(), np.random.default_rng([3, 7])) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("given", ["array", "tensor", "float"])
def test_normalise_is_imagenets_rule_in_channels_last_memory(given):
    pixels = pictures()
    argument = {
        "array": pixels,
        "tensor": torch.from_numpy(pixels),
        "float": torch.from_numpy(pixels).float(),
    }[given]
    before = torch.as_tensor(argument).clone()
    images = normalise(argument)
    expected = ((pixels / 255 - IMAGENET_MEAN) / IMAGENET_STD).transpose(0, 3, 1, 2)
    assert images.shape == (6, 3, SIZE, SIZE) and images.dtype == torch.float32
    assert np.allclose(images.numpy(), expected, atol=1e-5)
    assert images.is_contiguous(memory_format=torch.channels_last) and torch.equal(
        torch.as_tensor(argument), before
    )


# Settings -> digests of augmented and normalised pixels, made by commit d1016f1, when one function drew and applied.
EARLIER = {
    "usual": ({}, "c90b567938a51cb2", "8c9c01125e79c838"),
    "flip": ({"shift": 0.0, "brightness": 0.0}, "d86e4f9475e83817", "f05471c44f9d9c6a"),
    "wide": ({"shift": 0.3, "brightness": 1.0, "flip": False}, "54c8388c82130eee", "cd2dcd08b2780969"),
}


@pytest.mark.parametrize(("settings", "augmented", "normalised"), EARLIER.values(), ids=EARLIER)
def test_stored_runs_can_be_repeated_bit_for_bit(settings, augmented, normalised):
    pixels = np.random.default_rng(11).integers(0, 256, (9, 20, 20, 3), dtype=np.uint8)
    found = augment(pixels, np.random.default_rng([7, 3]), **settings)
    rows = normalise(found).permute(0, 2, 3, 1).contiguous()
    digests = [hashlib.sha256(tensor.numpy().tobytes()).hexdigest()[:16] for tensor in (found, rows)]
    assert digests == [augmented, normalised]


def test_changes_are_drawn_before_the_pixels_are_known():
    pixels = pictures(24)
    changes = draw_changes(24, SIZE, np.random.default_rng(1), shift=0.17)
    found = apply_changes(pixel_tensor(pixels), changes)
    assert torch.equal(found, augment(pixels, np.random.default_rng(1), shift=0.17))
    for k in range(24):
        one = moved(pixels[k], changes.down[k], changes.right[k], changes.mirrored[k])
        assert np.array_equal(found[k].numpy(), np.minimum(one * changes.gain[k], 255))


@pytest.mark.cuda
def test_cuda_gives_the_numbers_of_the_cpu(gpu):
    pixels, changes = pixel_tensor(pictures(24)), draw_changes(24, SIZE, np.random.default_rng(1), shift=0.3)
    here, there = (normalise(apply_changes(pixels.to(device), changes)).cpu() for device in ("cpu", gpu))
    assert torch.allclose(here, there, rtol=0, atol=1e-5)


def test_normalised_pixels_are_float32_whatever_the_default_type_was_at_the_first_call():
    pixels = np.zeros((1, 7, 7, 3), np.uint8)  # a width of no other test, so that its constants are made here
    torch.set_default_dtype(torch.float64)
    try:
        normalise(pixels)
    finally:
        torch.set_default_dtype(torch.float32)
    assert normalise(pixels).dtype == torch.float32
