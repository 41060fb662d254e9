SELECT name
  FROM (SELECT DISTINCT ON (name) name, document FROM slo_versions ORDER BY name, version DESC) AS latest
 WHERE document IS NOT NULL
 ORDER BY name
