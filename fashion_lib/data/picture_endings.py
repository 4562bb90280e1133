"""The endings of file names by which the pictures in a folder are recognised."""

# HEIC is among them whether it can be read or not, so that a folder from a phone is not read in part without a word.
PICTURE_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
    *(".jp2", ".ppm", ".pgm", ".tga", ".heic", ".heif", ".hif"),
)
