"""DFREC: from one face-swapped image, the source face, the target face and the map of what came from the source."""
