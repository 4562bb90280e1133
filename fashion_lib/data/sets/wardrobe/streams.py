"""Named random streams: a change of one attribute of a scene leaves every other draw unchanged."""

import zlib

import numpy as np

POOL = 96


class Stream:
    """Uniform draws that depend on (seed, index, name) and on nothing else.

    Each aspect of a scene (pose, fabric, light, ...) has its own stream and always takes the same number of
    draws. This makes `Wardrobe.twin` exact: no other draw changes when a value changes.
    """

    def __init__(self, seed: int, index: int, name: str):
        bits = np.random.Philox(key=[seed & (2**64 - 1), (index << 32) | zlib.crc32(name.encode())])
        self.generator = np.random.Generator(bits)
        self._pool = self.generator.random(POOL).tolist()
        self._next = 0

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draw one float in [low, high)."""
        if self._next == POOL:
            self._pool, self._next = self.generator.random(POOL).tolist(), 0
        draw = self._pool[self._next]
        self._next += 1
        return low + (high - low) * draw

    def chance(self, probability: float) -> bool:
        """Draw True with the given probability."""
        return self.uniform() < probability

    def sign(self) -> int:
        """Draw 1 or -1 with equal probability."""
        return 1 if self.chance(0.5) else -1

    def choice(self, options, weights=None):
        """Draw one of `options`, uniformly or by `weights` (which need not sum to one)."""
        draw = self.uniform()
        if weights is None:
            return options[min(int(draw * len(options)), len(options) - 1)]
        draw *= sum(weights)
        for option, weight in zip(options, weights, strict=True):
            draw -= weight
            if draw < 0:
                return option
        return options[-1]

    def colour(self, low: float, high: float) -> tuple[float, float, float]:
        """Draw an RGB colour whose three channels are uniform in [low, high)."""
        return (self.uniform(low, high), self.uniform(low, high), self.uniform(low, high))

    def jitter(self, colour, amount: float) -> tuple[float, float, float]:
        """Return an RGB colour with a uniform change of at most `amount` per channel, clipped to 0..255."""
        return tuple(min(max(c + self.uniform(-amount, amount), 0.0), 255.0) for c in colour)
