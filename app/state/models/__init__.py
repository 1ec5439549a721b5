"""The models on this computer and on the Hub."""
