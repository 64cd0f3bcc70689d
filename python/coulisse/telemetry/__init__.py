"""What a node says about itself: logs, metrics, health. No stage logic."""
