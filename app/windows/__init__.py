"""The windows: layout only. app.main connects what stands in them."""
