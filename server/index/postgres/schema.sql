create schema if not exists refmon;

create table if not exists refmon.documents (
	id text not null, right_name text not null, tree text not null, class text not null,
	primary key (id, right_name)
);
create index if not exists documents_class on refmon.documents (class);
create table if not exists refmon.members (class text not null, sid text not null, primary key (sid, class));
create table if not exists refmon.fence (source text primary key, seq bigint not null, at timestamptz not null);
create table if not exists refmon.state (one boolean primary key default true check (one), index text not null,
	seq bigint not null, allowance interval not null);

-- The evidence for a document's class, and its time.
alter table refmon.documents add column if not exists descriptor text not null default '',
	add column if not exists seq bigint not null default 0,
	add column if not exists at timestamptz not null default 'epoch';
alter table refmon.state add column if not exists directory text not null default '';

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

-- The classes of the session's user. Without refmon.sid there are none.
create or replace function refmon.mine() returns text[] language sql stable security definer
set search_path = pg_catalog, pg_temp as $$
	select array(select class from refmon.members where sid = pg_catalog.current_setting('refmon.sid', true))
$$;

alter table refmon.documents enable row level security;
alter table refmon.documents force row level security;
alter table refmon.members enable row level security;
drop policy if exists reader on refmon.documents;
create policy reader on refmon.documents for select to public
	using (class = any ((select refmon.mine())::text[]) and tree = any ((select refmon.fresh())::text[]));
