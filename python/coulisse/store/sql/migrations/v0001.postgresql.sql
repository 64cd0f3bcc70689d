CREATE TABLE assets (
  asset BIGINT NOT NULL,
  name TEXT NOT NULL,
  scale BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (asset)
);

CREATE TABLE instruments (
  instrument BIGINT NOT NULL,
  symbol TEXT NOT NULL,
  base BIGINT NOT NULL,
  quote BIGINT NOT NULL,
  tick_minor BIGINT NOT NULL,
  lot_minor BIGINT NOT NULL,
  min_qty BIGINT NOT NULL,
  max_qty BIGINT NOT NULL,
  min_notional NUMERIC(39, 0) NOT NULL,
  maker_fee_ppm BIGINT NOT NULL,
  taker_fee_ppm BIGINT NOT NULL,
  created_seq BIGINT NOT NULL,
  version BIGINT NOT NULL,
  matching TEXT NOT NULL,
  reference TEXT NOT NULL,
  collar_ppm BIGINT NOT NULL,
  slippage_ppm BIGINT NOT NULL,
  band_ppm BIGINT NOT NULL,
  auction_ns BIGINT NOT NULL,
  auction_fee_ppm BIGINT NOT NULL,
  state TEXT NOT NULL,
  state_reason TEXT NOT NULL,
  until_ns BIGINT NOT NULL,
  auction_start_ns BIGINT NOT NULL,
  auction_end_ns BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (instrument)
);

CREATE TABLE account_groups (
  group_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (group_id)
);

CREATE TABLE accounts (
  account BIGINT NOT NULL,
  name TEXT NOT NULL,
  created_seq BIGINT NOT NULL,
  created_ns BIGINT NOT NULL,
  group_id BIGINT NOT NULL,
  trade_group BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (account)
);

CREATE TABLE keys (
  key_index BIGINT NOT NULL,
  key_id TEXT NOT NULL,
  account BIGINT NOT NULL,
  scheme TEXT NOT NULL,
  permissions BIGINT NOT NULL,
  label TEXT NOT NULL,
  expire_ns BIGINT NOT NULL,
  created_seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  accounts TEXT NOT NULL,
  instruments TEXT NOT NULL,
  networks TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (key_index)
);

CREATE TABLE orders (
  order_id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  instrument BIGINT NOT NULL,
  side TEXT NOT NULL,
  order_type TEXT NOT NULL,
  tif TEXT NOT NULL,
  post_only BOOLEAN NOT NULL,
  notional NUMERIC(39, 0) NOT NULL,
  client_order_id TEXT NOT NULL,
  accepted_seq BIGINT NOT NULL,
  accepted_ns BIGINT NOT NULL,
  qty BIGINT NOT NULL,
  price BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  filled BIGINT NOT NULL,
  remaining BIGINT NOT NULL,
  closed_seq BIGINT NOT NULL,
  closed_ns BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  PRIMARY KEY (order_id)
);

CREATE TABLE order_terms (
  order_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  self_trade TEXT NOT NULL,
  trigger_type TEXT NOT NULL,
  trigger_on TEXT NOT NULL,
  trigger_price BIGINT NOT NULL,
  trail BIGINT NOT NULL,
  display_qty BIGINT NOT NULL,
  min_qty BIGINT NOT NULL,
  peg TEXT NOT NULL,
  peg_offset BIGINT NOT NULL,
  reduce_only BOOLEAN NOT NULL,
  expire_ns BIGINT NOT NULL,
  PRIMARY KEY (order_id)
);

CREATE TABLE order_lists (
  list_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  account BIGINT NOT NULL,
  instrument BIGINT NOT NULL,
  kind TEXT NOT NULL,
  leg_1 BIGINT NOT NULL,
  leg_2 BIGINT NOT NULL,
  PRIMARY KEY (list_id)
);

CREATE TABLE order_events (
  seq BIGINT NOT NULL,
  item BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  instrument BIGINT NOT NULL,
  kind TEXT NOT NULL,
  qty BIGINT NOT NULL,
  price BIGINT NOT NULL,
  filled BIGINT NOT NULL,
  remaining BIGINT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (seq, item)
);

CREATE TABLE fills (
  seq BIGINT NOT NULL,
  item BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  instrument BIGINT NOT NULL,
  trade_id BIGINT NOT NULL,
  side TEXT NOT NULL,
  role TEXT NOT NULL,
  price BIGINT NOT NULL,
  qty BIGINT NOT NULL,
  notional NUMERIC(39, 0) NOT NULL,
  fee NUMERIC(39, 0) NOT NULL,
  filled BIGINT NOT NULL,
  remaining BIGINT NOT NULL,
  client_order_id TEXT NOT NULL,
  PRIMARY KEY (seq, item)
);

CREATE TABLE trades (
  instrument BIGINT NOT NULL,
  trade_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  price BIGINT NOT NULL,
  qty BIGINT NOT NULL,
  taker_side TEXT NOT NULL,
  maker_order_id BIGINT NOT NULL,
  taker_order_id BIGINT NOT NULL,
  PRIMARY KEY (instrument, trade_id)
);

CREATE TABLE ledger (
  seq BIGINT NOT NULL,
  item BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  asset BIGINT NOT NULL,
  debit BIGINT NOT NULL,
  credit BIGINT NOT NULL,
  amount NUMERIC(39, 0) NOT NULL,
  kind TEXT NOT NULL,
  instrument BIGINT NOT NULL,
  trade_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  PRIMARY KEY (seq, item)
);

CREATE TABLE balances (
  account BIGINT NOT NULL,
  asset BIGINT NOT NULL,
  available NUMERIC(39, 0) NOT NULL,
  held NUMERIC(39, 0) NOT NULL,
  seq BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  PRIMARY KEY (account, asset)
);

CREATE TABLE positions (
  account BIGINT NOT NULL,
  instrument BIGINT NOT NULL,
  qty BIGINT NOT NULL,
  cost NUMERIC(39, 0) NOT NULL,
  realised NUMERIC(39, 0) NOT NULL,
  fees NUMERIC(39, 0) NOT NULL,
  seq BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  PRIMARY KEY (account, instrument)
);

CREATE TABLE withdrawals (
  withdrawal_id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  asset BIGINT NOT NULL,
  amount NUMERIC(39, 0) NOT NULL,
  request_id TEXT NOT NULL,
  asked_by BIGINT NOT NULL,
  asked_ns BIGINT NOT NULL,
  expire_ns BIGINT NOT NULL,
  state TEXT NOT NULL,
  ended_by BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  PRIMARY KEY (withdrawal_id)
);

CREATE TABLE audit (
  seq BIGINT NOT NULL,
  item BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  kind TEXT NOT NULL,
  account BIGINT NOT NULL,
  key_index BIGINT NOT NULL,
  node BIGINT NOT NULL,
  details TEXT NOT NULL,
  PRIMARY KEY (seq, item)
);

CREATE TABLE rejects (
  seq BIGINT NOT NULL,
  item BIGINT NOT NULL,
  time_ns BIGINT NOT NULL,
  account BIGINT NOT NULL,
  key_index BIGINT NOT NULL,
  code TEXT NOT NULL,
  field TEXT NOT NULL,
  unit TEXT NOT NULL,
  value NUMERIC(39, 0) NOT NULL,
  bound NUMERIC(39, 0) NOT NULL,
  client_order_id TEXT NOT NULL,
  PRIMARY KEY (seq, item)
);

CREATE INDEX orders_by_account_order_id ON orders (account, order_id);

CREATE INDEX order_events_by_order_id_seq_item ON order_events (order_id, seq, item);

CREATE INDEX fills_by_account_seq_item ON fills (account, seq, item);

CREATE INDEX fills_by_order_id ON fills (order_id);

CREATE INDEX ledger_by_debit_seq_item ON ledger (debit, seq, item);

CREATE INDEX ledger_by_credit_seq_item ON ledger (credit, seq, item);

CREATE TABLE checkpoint (
  id INTEGER NOT NULL,
  genesis TEXT NOT NULL,
  seq BIGINT NOT NULL,
  chain TEXT NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT checkpoint_is_one CHECK (id = 1)
);

INSERT INTO checkpoint (id, genesis, seq, chain)
VALUES (1, '', 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE FUNCTION coulisse_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = 'rows of ' || TG_TABLE_NAME || ' are never changed or removed';
END $$;

CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION coulisse_refuse();
