SELECT account_id FROM accounts ORDER BY 1
