-- A subaccount names the account that owns it; every other account owns itself and names nobody.

ALTER TABLE accounts ADD COLUMN owner_account_sid {BYTES};
