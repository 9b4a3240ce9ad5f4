select coalesce(obj_description(to_regnamespace('refmon'), 'pg_namespace') = $1, false)
	and (select count(*) = 5 from pg_class where relnamespace = to_regnamespace('refmon')
		and relname in ('classes', 'documents', 'fence', 'members', 'state'))
	and (select count(*) = 2 from pg_class where relnamespace = to_regnamespace('refmon')
		and relname in ('documents', 'members') and relrowsecurity and relforcerowsecurity)
	and (select count(*) = 4 from pg_policies where schemaname = 'refmon'
		and (tablename, policyname) in (('documents', 'reader'), ('documents', 'keeper'), ('members', 'mine'),
			('members', 'keeper')))
