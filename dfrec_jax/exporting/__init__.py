"""Recovery as a file that other programs run: StableHLO and ONNX, with what a program must know beside them."""
