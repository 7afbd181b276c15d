"""Forgeries whose face a network has drawn: to train on, since a cut and blended face has seams and theirs has none."""
