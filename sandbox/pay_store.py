"""What the Pay side remembers beside its orders and refunds. Only new tables, so that an old state file goes on."""

PAY_SCHEMA = """
CREATE TABLE IF NOT EXISTS coupons (out_trade_no TEXT PRIMARY KEY REFERENCES orders, fen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refund_parts (
    out_refund_no TEXT PRIMARY KEY REFERENCES refunds, payer_fen INTEGER NOT NULL, fee_fen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS flows (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, business_no TEXT NOT NULL, flow_no TEXT NOT NULL, kind TEXT NOT NULL,
    fen INTEGER NOT NULL, balance INTEGER NOT NULL, remark TEXT NOT NULL, voucher TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS flows_at ON flows (at);
CREATE TABLE IF NOT EXISTS downloads (token TEXT PRIMARY KEY, content BLOB NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS transfers (
    out_bill_no TEXT PRIMARY KEY, transfer_bill_no TEXT NOT NULL UNIQUE, request TEXT NOT NULL, openid TEXT NOT NULL,
    amount INTEGER NOT NULL, notify_url TEXT, state TEXT NOT NULL, fail_reason TEXT NOT NULL DEFAULT '',
    made_at REAL NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS duplicates (notification_id TEXT PRIMARY KEY REFERENCES notifications);
CREATE TABLE IF NOT EXISTS sharings (
    kind TEXT NOT NULL, number TEXT NOT NULL, id TEXT NOT NULL, request TEXT NOT NULL, made_at REAL NOT NULL,
    PRIMARY KEY (kind, number));
"""
PAY_TABLES = ("duplicates", "sharings", "transfers", "downloads", "flows", "refund_parts", "coupons")
