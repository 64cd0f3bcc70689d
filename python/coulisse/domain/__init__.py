"""Values that people see: money, symbols, orders, outcomes, errors. No I/O, no clock."""
