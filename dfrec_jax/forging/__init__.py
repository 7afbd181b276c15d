"""Forgeries from pairs of faces: BI (Face X-ray) and warped swaps, on the device, with their reference."""
