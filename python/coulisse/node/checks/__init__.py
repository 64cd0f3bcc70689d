"""What `coulisse doctor` and `coulisse config check` look at."""
