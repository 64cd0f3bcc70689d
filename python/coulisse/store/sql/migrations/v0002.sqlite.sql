CREATE INDEX order_events_of_ends ON order_events (account, seq, item) WHERE kind = 'closed';

CREATE INDEX orders_by_client_order_id ON orders (client_order_id, account) WHERE client_order_id <> '';
