"""The layers that several networks are made of."""
