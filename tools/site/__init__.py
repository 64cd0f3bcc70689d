"""What makes a site of docs/: the list of its pages, and what is done to them on the way."""
