"""What is made of a run's pictures: films and contact sheets."""
