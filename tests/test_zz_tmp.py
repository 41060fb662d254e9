import psycopg
def test_a(database_url, redis_client, valkey_url):
    with psycopg.connect(database_url) as c: c.execute("create table t(x int)")
def test_b(database_url, redis_client): pass
def test_c(database_url, redis_client): pass
