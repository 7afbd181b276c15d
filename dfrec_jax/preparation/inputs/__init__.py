"""What users bring along: folders, tar files, TFDS data sets and tables, listed and read, nothing left unsaid."""
