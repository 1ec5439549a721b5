"""What a family of models is: pure values, no torch."""
