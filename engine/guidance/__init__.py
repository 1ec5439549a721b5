"""How the predictions of an evaluation are joined."""
