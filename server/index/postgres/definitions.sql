-- A hash of the definitions in the schema refmon that decide who reads a row and how fast. A follower's partitions do
-- not count.
select encode(sha256(convert_to(coalesce(string_agg(line, e'\n' order by line), ''), 'UTF8')), 'hex') from (
	select concat_ws(' ', 'table', relname, relkind, relrowsecurity, relforcerowsecurity) as line from pg_class
		where relnamespace = to_regnamespace('refmon')
			and relname in ('classes', 'cursors', 'documents', 'fence', 'members', 'state')
	union all select indexdef from pg_indexes where schemaname = 'refmon' and indexname = 'documents_class'
	union all select p::text from pg_policies p where schemaname = 'refmon'
	union all select pg_get_functiondef(oid) from pg_proc
		where pronamespace = to_regnamespace('refmon') and proname in ('few', 'fresh')
) definitions
