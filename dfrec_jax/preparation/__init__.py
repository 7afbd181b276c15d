"""From videos and folders of photographs to records: indexing, faces, crops, TFDS builders, audit."""
