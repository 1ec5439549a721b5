"""The windows and dialogs: layout only. app.wiring connects what stands in them."""
