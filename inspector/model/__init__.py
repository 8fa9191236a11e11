"""What a report says: frozen records, every field documented beside itself.

Field names are the names of the JSON report: the schema, docs/report.md and the reader of
reports are made from these modules, a field's text from the string that stands below it.

Conventions, which `report/` and the generators read from the names:

* a field whose name ends in `_at` is a time: integer nanoseconds since 1970-01-01 UTC in
  Python, RFC 3339 in JSON;
* a field named `packet` or `packets` holds packet references (`inspector.wire`);
* durations are seconds, sizes are bytes;
* "up" is from the client of a connection to its server;
* no field holds a credential: what carries one was replaced by its label before the record
  was made.

The wire's own words are kept: header names as sent, in order, duplicates included.  A folded
copy is for matching only.
"""
