SELECT count(*) AS "dead letters" FROM dead_letters
