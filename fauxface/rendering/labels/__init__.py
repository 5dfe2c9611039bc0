"""Labels: landmarks, visibility, segmentation classes and dense maps."""
