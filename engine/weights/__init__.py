"""From files to networks: where a model lies, what its folder holds, and strict loading."""
