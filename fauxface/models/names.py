"""Names that code without PyTorch needs, too."""

ONE_STAGE = "one-stage"
"""The face detector among the networks, which are otherwise called ``<backbone>-<method>``."""
