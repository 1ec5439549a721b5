"""How the bundled models were made: one command a stage, `python -m resources.training STAGE`.
Needs the extra `train`. The program itself never imports it."""
