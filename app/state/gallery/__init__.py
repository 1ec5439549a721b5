"""The finished images: the folder, its index, thumbnails, notes."""
