"""The generator's version, raised whenever the same seed gives other pixels or labels."""

GENERATOR_VERSION = "11"
