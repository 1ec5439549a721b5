"""What the files of other programs say about how their pictures were made, and ours: one file a
format, and `programs`, which finds out whose a text is."""
