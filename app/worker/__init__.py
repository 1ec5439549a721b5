"""The one folder where threads meet: one file a job."""
