"""Wire formats of other standards, over the same calls of the departments."""
