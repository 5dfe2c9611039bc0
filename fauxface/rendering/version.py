"""The generator's version: it changes whenever the same seed gives other pixels or labels."""

GENERATOR_VERSION = "11"
