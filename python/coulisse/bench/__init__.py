"""What `coulisse bench` runs."""
