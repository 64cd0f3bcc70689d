"""Time series: trades, quotes, mark prices and candles, in SQLite or in QuestDB.

`address.py` says where, `writer.py` what fills them, `reader.py` what reads candles of them. The
drivers are loaded by those who write or read that kind of database, and by nobody else.
"""
