CREATE TABLE assets (
  asset INTEGER NOT NULL,
  name TEXT NOT NULL,
  scale INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (asset)
)
 WITHOUT ROWID;

CREATE TABLE instruments (
  instrument INTEGER NOT NULL,
  symbol TEXT NOT NULL,
  base INTEGER NOT NULL,
  quote INTEGER NOT NULL,
  tick_minor INTEGER NOT NULL,
  lot_minor INTEGER NOT NULL,
  min_qty INTEGER NOT NULL,
  max_qty INTEGER NOT NULL,
  min_notional TEXT NOT NULL,
  maker_fee_ppm INTEGER NOT NULL,
  taker_fee_ppm INTEGER NOT NULL,
  created_seq INTEGER NOT NULL,
  version INTEGER NOT NULL,
  matching TEXT NOT NULL,
  reference TEXT NOT NULL,
  collar_ppm INTEGER NOT NULL,
  slippage_ppm INTEGER NOT NULL,
  band_ppm INTEGER NOT NULL,
  auction_ns INTEGER NOT NULL,
  auction_fee_ppm INTEGER NOT NULL,
  state TEXT NOT NULL,
  state_reason TEXT NOT NULL,
  until_ns INTEGER NOT NULL,
  auction_start_ns INTEGER NOT NULL,
  auction_end_ns INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (instrument),
  CONSTRAINT instruments_min_notional_is_whole CHECK (("min_notional" = '0' OR "min_notional" GLOB '[1-9]*' OR "min_notional" GLOB '-[1-9]*') AND ltrim("min_notional", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE account_groups (
  group_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (group_id)
)
 WITHOUT ROWID;

CREATE TABLE accounts (
  account INTEGER NOT NULL,
  name TEXT NOT NULL,
  created_seq INTEGER NOT NULL,
  created_ns INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  trade_group INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (account)
)
 WITHOUT ROWID;

CREATE TABLE keys (
  key_index INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  account INTEGER NOT NULL,
  scheme TEXT NOT NULL,
  permissions INTEGER NOT NULL,
  label TEXT NOT NULL,
  expire_ns INTEGER NOT NULL,
  created_seq INTEGER NOT NULL,
  state TEXT NOT NULL,
  accounts TEXT NOT NULL,
  instruments TEXT NOT NULL,
  networks TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (key_index)
)
 WITHOUT ROWID;

CREATE TABLE orders (
  order_id INTEGER NOT NULL,
  account INTEGER NOT NULL,
  instrument INTEGER NOT NULL,
  side TEXT NOT NULL,
  order_type TEXT NOT NULL,
  tif TEXT NOT NULL,
  post_only BOOLEAN NOT NULL,
  notional TEXT NOT NULL,
  client_order_id TEXT NOT NULL,
  accepted_seq INTEGER NOT NULL,
  accepted_ns INTEGER NOT NULL,
  qty INTEGER NOT NULL,
  price INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  filled INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  closed_seq INTEGER NOT NULL,
  closed_ns INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  PRIMARY KEY (order_id),
  CONSTRAINT orders_post_only_is_flag CHECK ("post_only" IN (0, 1)),
  CONSTRAINT orders_notional_is_whole CHECK (("notional" = '0' OR "notional" GLOB '[1-9]*' OR "notional" GLOB '-[1-9]*') AND ltrim("notional", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE order_terms (
  order_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  self_trade TEXT NOT NULL,
  trigger_type TEXT NOT NULL,
  trigger_on TEXT NOT NULL,
  trigger_price INTEGER NOT NULL,
  trail INTEGER NOT NULL,
  display_qty INTEGER NOT NULL,
  min_qty INTEGER NOT NULL,
  peg TEXT NOT NULL,
  peg_offset INTEGER NOT NULL,
  reduce_only BOOLEAN NOT NULL,
  expire_ns INTEGER NOT NULL,
  PRIMARY KEY (order_id),
  CONSTRAINT order_terms_reduce_only_is_flag CHECK ("reduce_only" IN (0, 1))
)
 WITHOUT ROWID;

CREATE TABLE order_lists (
  list_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  account INTEGER NOT NULL,
  instrument INTEGER NOT NULL,
  kind TEXT NOT NULL,
  leg_1 INTEGER NOT NULL,
  leg_2 INTEGER NOT NULL,
  PRIMARY KEY (list_id)
)
 WITHOUT ROWID;

CREATE TABLE order_events (
  seq INTEGER NOT NULL,
  item INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  account INTEGER NOT NULL,
  instrument INTEGER NOT NULL,
  kind TEXT NOT NULL,
  qty INTEGER NOT NULL,
  price INTEGER NOT NULL,
  filled INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (seq, item)
)
 WITHOUT ROWID;

CREATE TABLE fills (
  seq INTEGER NOT NULL,
  item INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  account INTEGER NOT NULL,
  instrument INTEGER NOT NULL,
  trade_id INTEGER NOT NULL,
  side TEXT NOT NULL,
  role TEXT NOT NULL,
  price INTEGER NOT NULL,
  qty INTEGER NOT NULL,
  notional TEXT NOT NULL,
  fee TEXT NOT NULL,
  filled INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  client_order_id TEXT NOT NULL,
  PRIMARY KEY (seq, item),
  CONSTRAINT fills_notional_is_whole CHECK (("notional" = '0' OR "notional" GLOB '[1-9]*' OR "notional" GLOB '-[1-9]*') AND ltrim("notional", '-') NOT GLOB '*[^0-9]*'),
  CONSTRAINT fills_fee_is_whole CHECK (("fee" = '0' OR "fee" GLOB '[1-9]*' OR "fee" GLOB '-[1-9]*') AND ltrim("fee", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE trades (
  instrument INTEGER NOT NULL,
  trade_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  price INTEGER NOT NULL,
  qty INTEGER NOT NULL,
  taker_side TEXT NOT NULL,
  maker_order_id INTEGER NOT NULL,
  taker_order_id INTEGER NOT NULL,
  PRIMARY KEY (instrument, trade_id)
)
 WITHOUT ROWID;

CREATE TABLE ledger (
  seq INTEGER NOT NULL,
  item INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  asset INTEGER NOT NULL,
  debit INTEGER NOT NULL,
  credit INTEGER NOT NULL,
  amount TEXT NOT NULL,
  kind TEXT NOT NULL,
  instrument INTEGER NOT NULL,
  trade_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  PRIMARY KEY (seq, item),
  CONSTRAINT ledger_amount_is_whole CHECK (("amount" = '0' OR "amount" GLOB '[1-9]*' OR "amount" GLOB '-[1-9]*') AND ltrim("amount", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE balances (
  account INTEGER NOT NULL,
  asset INTEGER NOT NULL,
  available TEXT NOT NULL,
  held TEXT NOT NULL,
  seq INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  PRIMARY KEY (account, asset),
  CONSTRAINT balances_available_is_whole CHECK (("available" = '0' OR "available" GLOB '[1-9]*' OR "available" GLOB '-[1-9]*') AND ltrim("available", '-') NOT GLOB '*[^0-9]*'),
  CONSTRAINT balances_held_is_whole CHECK (("held" = '0' OR "held" GLOB '[1-9]*' OR "held" GLOB '-[1-9]*') AND ltrim("held", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE positions (
  account INTEGER NOT NULL,
  instrument INTEGER NOT NULL,
  qty INTEGER NOT NULL,
  cost TEXT NOT NULL,
  realised TEXT NOT NULL,
  fees TEXT NOT NULL,
  seq INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  PRIMARY KEY (account, instrument),
  CONSTRAINT positions_cost_is_whole CHECK (("cost" = '0' OR "cost" GLOB '[1-9]*' OR "cost" GLOB '-[1-9]*') AND ltrim("cost", '-') NOT GLOB '*[^0-9]*'),
  CONSTRAINT positions_realised_is_whole CHECK (("realised" = '0' OR "realised" GLOB '[1-9]*' OR "realised" GLOB '-[1-9]*') AND ltrim("realised", '-') NOT GLOB '*[^0-9]*'),
  CONSTRAINT positions_fees_is_whole CHECK (("fees" = '0' OR "fees" GLOB '[1-9]*' OR "fees" GLOB '-[1-9]*') AND ltrim("fees", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE withdrawals (
  withdrawal_id INTEGER NOT NULL,
  account INTEGER NOT NULL,
  asset INTEGER NOT NULL,
  amount TEXT NOT NULL,
  request_id TEXT NOT NULL,
  asked_by INTEGER NOT NULL,
  asked_ns INTEGER NOT NULL,
  expire_ns INTEGER NOT NULL,
  state TEXT NOT NULL,
  ended_by INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  PRIMARY KEY (withdrawal_id),
  CONSTRAINT withdrawals_amount_is_whole CHECK (("amount" = '0' OR "amount" GLOB '[1-9]*' OR "amount" GLOB '-[1-9]*') AND ltrim("amount", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER NOT NULL,
  item INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  kind TEXT NOT NULL,
  account INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  node INTEGER NOT NULL,
  details TEXT NOT NULL,
  PRIMARY KEY (seq, item)
)
 WITHOUT ROWID;

CREATE TABLE rejects (
  seq INTEGER NOT NULL,
  item INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  account INTEGER NOT NULL,
  key_index INTEGER NOT NULL,
  code TEXT NOT NULL,
  field TEXT NOT NULL,
  unit TEXT NOT NULL,
  value TEXT NOT NULL,
  bound TEXT NOT NULL,
  client_order_id TEXT NOT NULL,
  PRIMARY KEY (seq, item),
  CONSTRAINT rejects_value_is_whole CHECK (("value" = '0' OR "value" GLOB '[1-9]*' OR "value" GLOB '-[1-9]*') AND ltrim("value", '-') NOT GLOB '*[^0-9]*'),
  CONSTRAINT rejects_bound_is_whole CHECK (("bound" = '0' OR "bound" GLOB '[1-9]*' OR "bound" GLOB '-[1-9]*') AND ltrim("bound", '-') NOT GLOB '*[^0-9]*')
)
 WITHOUT ROWID;

CREATE INDEX orders_by_account_order_id ON orders (account, order_id);

CREATE INDEX order_events_by_order_id_seq_item ON order_events (order_id, seq, item);

CREATE INDEX fills_by_account_seq_item ON fills (account, seq, item);

CREATE INDEX fills_by_order_id ON fills (order_id);

CREATE INDEX ledger_by_debit_seq_item ON ledger (debit, seq, item);

CREATE INDEX ledger_by_credit_seq_item ON ledger (credit, seq, item);

CREATE TABLE checkpoint (
  id INTEGER NOT NULL,
  genesis TEXT NOT NULL,
  seq INTEGER NOT NULL,
  chain TEXT NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT checkpoint_is_one CHECK (id = 1)
);

INSERT INTO checkpoint (id, genesis, seq, chain)
VALUES (1, '', 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER ledger_only_grows_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'rows of ledger are never changed or removed'); END;

CREATE TRIGGER ledger_only_grows_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'rows of ledger are never changed or removed'); END;
