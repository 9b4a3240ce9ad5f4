-- The documents of a run.
-- descriptor, seq and at are the evidence for a document's class, and its time.
create table if not exists refmon.documents (
	id text not null, right_name text not null, tree text not null, class int not null,
	descriptor text not null, seq bigint not null, at timestamptz not null,
	primary key (id, right_name)
);
