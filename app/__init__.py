"""The application: Qt. It draws, listens, and hands requests to the engine."""
