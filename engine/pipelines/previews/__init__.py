"""Small pictures of latents at a known cost."""
