-- Drop what others may have changed: a further policy could show all rows. An index that is right stays, because
-- creating one reads all documents. documents comes before members, as in a search, or the two could deadlock.
do $$
declare
	command text;
begin
	for command in
		select drops.command from (
			select tablename, format('drop policy %I on refmon.%I', policyname, tablename) as command from pg_policies
				where schemaname = 'refmon' and tablename in ('documents', 'members')
			union all select 'documents', 'drop index refmon.documents_class' from pg_indexes
				where schemaname = 'refmon' and indexname = 'documents_class'
					and indexdef not like 'CREATE INDEX documents_class ON %refmon.documents USING btree (class)'
		) drops order by tablename
	loop
		execute command;
	end loop;
end
$$;
-- The number of each class, and its name in the index's log.
create table if not exists refmon.classes (class int primary key, name text not null unique);
create index if not exists documents_class on refmon.documents (class);
create table if not exists refmon.members (class int not null, sid text not null, primary key (sid, class));
create table if not exists refmon.fence (source text primary key, seq bigint not null, at timestamptz not null);
create table if not exists refmon.state (one boolean primary key default true check (one), index text not null,
	seq bigint not null, allowance interval not null, directory text not null);

-- The trees with a current heartbeat; none unless the directory has one, too. A heartbeat that is older than the
-- limit or in the future is not current.
create or replace function refmon.fresh() returns text[] language sql stable security definer
set search_path = pg_catalog, pg_temp as $$
	with now as (
		select f.source from refmon.fence f, refmon.state s
		where f.at between clock_timestamp() - s.allowance and clock_timestamp() + interval '1 second'
	)
	select coalesce(array_agg(source) filter (where exists (select from now d where d.source = 'directory')), '{}') from now
$$;

-- The documents on which the session's user has a right, if there are at most 2,000, else null. Without refmon.sid
-- there are none. It lets a search for a user with few documents start from these.
create or replace function refmon.few(right_name text) returns text[] language sql stable security definer
set search_path = pg_catalog, pg_temp as $$
	select case when count(*) <= 2000 then coalesce(array_agg(id), '{}') end from (
		select d.id from refmon.members m join refmon.documents d on d.class = m.class
		where m.sid = pg_catalog.current_setting('refmon.sid', true) and d.right_name = $1
			and d.tree = any ((select refmon.fresh())::text[])
		limit 2001
	) found
$$;

alter table refmon.documents enable row level security;
alter table refmon.documents force row level security;
alter table refmon.members enable row level security;
alter table refmon.members force row level security;
create policy mine on refmon.members for select to public using (sid = current_setting('refmon.sid', true));
-- A scalar subquery looks up one member per row (N-102). The planner can turn "in" and "exists" into a table of all
-- classes of the user, or into a scan of all documents, which costs more than the search.
create policy reader on refmon.documents for select to public using (
	(select true from refmon.members m where m.class = documents.class and m.sid = current_setting('refmon.sid', true))
	and tree = any ((select refmon.fresh())::text[])
);
-- The run itself may read and write all rows, whatever the readers' policies say.
create policy keeper on refmon.documents to current_user using (true) with check (true);
create policy keeper on refmon.members to current_user using (true) with check (true);
